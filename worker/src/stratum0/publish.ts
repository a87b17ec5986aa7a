import { formatBytes } from '@icefall/shared/text';
import { type BytePath, bytePath, forPeople } from './byte-path.ts';
import type { Context } from './context.ts';
import { Stratum0Error } from './errors.ts';
import { advanceHistory, checkNewTag, encodeHistory, type Tag } from './history.ts';
import { type FileStamp, fileStamp, isRacy, readKnownFiles, writeKnownFiles } from './known-files.ts';
import { withRepositoryLock } from './lock.ts';
import { MANIFEST_TTL_SECONDS, type Manifest } from './manifest.ts';
import { type ObjectStore, objectStore } from './object-store.ts';
import type { RepositoryPaths } from './paths.ts';
import type { Published } from './published.ts';
import {
  closeCutOffPublish,
  closeTransaction,
  existingRepository,
  openServed,
  openTransactionOf,
  ROOT_MODE,
  writeManifest,
} from './repository.ts';
import { encodeSnapshot, type SnapshotEntry, sameEntry } from './snapshot.ts';
import { writeTransaction } from './transaction.ts';
import { absolute, linkTarget, listTree, permissions, type TreeEntry } from './tree.ts';

/** Files read and compressed at a time: zlib runs in Node's pool of four threads. */
const FILES_AT_ONCE = 4;
/** Files between two lines of progress. */
const PROGRESS_FILES = 1000;

/** What a scan of the mount tree found. */
interface Scan {
  readonly entries: readonly SnapshotEntry[];
  readonly stamps: ReadonlyMap<BytePath, FileStamp>;
  readonly filesRead: number;
  readonly newObjects: number;
  readonly bytesRead: number;
  readonly bytesStored: number;
}

export interface PublishOptions {
  readonly tag: string | null;
  readonly description: string;
}

/** What a publish did. */
export interface PublishResult {
  readonly revision: number;
  readonly root: string;
  readonly filesRead: number;
}

/**
 * Makes what is in the mount tree the new revision: objects first, the manifest last, so that a failure or death at any
 * point leaves the old revision served and whole. Fails without a transaction (`no_transaction`); any other failure leaves
 * the transaction open.
 */
export async function publish(context: Context, name: string, options: PublishOptions): Promise<PublishResult | null> {
  const paths = existingRepository(context, name);
  return withRepositoryLock(paths, async () => {
    if ((await closeCutOffPublish(context, paths)) !== null) return null;
    const transaction = await openTransactionOf(paths);
    const base = await openServed(context, paths);
    const tags = await base.tags();
    if (options.tag !== null) checkNewTag(tags, options.tag);
    const before = new Map((await base.entries()).map((entry) => [entry.path, entry]));
    const store = objectStore(context.disk, paths.served);
    const scan = await scanTree(context, paths, { before, root: base.manifest.root, store });
    refuseOutside(before, scan.entries, transaction.path);
    const manifest = await storeRevision(context, { base, store, scan, tags, options });
    await writeKnownFiles(context, paths, manifest.root, scan.stamps);
    await writeTransaction(context, paths, {
      ...transaction,
      published: { root: manifest.root, revision: manifest.revision },
    });
    await writeManifest(context, paths, manifest);
    await closeTransaction(context, paths);
    context.say(`Published ${name}: revision ${manifest.revision}, root hash ${manifest.root}`);
    return { revision: manifest.revision, root: manifest.root, filesRead: scan.filesRead };
  });
}

interface Revision {
  readonly base: Published;
  readonly store: ObjectStore;
  readonly scan: Scan;
  readonly tags: readonly Tag[];
  readonly options: PublishOptions;
}

/** Stores listing and history and makes the manifest that names them. */
async function storeRevision(context: Context, { base, store, scan, tags, options }: Revision): Promise<Manifest> {
  const listing = encodeSnapshot(scan.entries);
  const root = await store.put(listing, 'C');
  const revision = base.manifest.revision + 1;
  const publishedAt = Math.floor(context.now() / 1000);
  const newest = { root: root.hash, revision, publishedAt };
  const named = options.tag === null ? null : { ...newest, name: options.tag, description: options.description };
  const history = await store.put(encodeHistory(advanceHistory(tags, newest, named)), 'H');
  await store.settle();
  return {
    ...base.manifest,
    root: root.hash,
    rootSizeBytes: listing.length,
    ttlSeconds: MANIFEST_TTL_SECONDS,
    revision,
    history: history.hash,
    publishedAt,
  };
}

interface ScanBase {
  readonly before: ReadonlyMap<BytePath, SnapshotEntry>;
  /** Of the revision that `before` lists. */
  readonly root: string;
  readonly store: ObjectStore;
}

async function scanTree(context: Context, paths: RepositoryPaths, { before, root, store }: ScanBase): Promise<Scan> {
  const known = await readKnownFiles(paths, root);
  const tree = listTree(paths.mount);
  const entries = new Map<BytePath, SnapshotEntry>();
  const stamps = new Map<BytePath, FileStamp>();
  const toRead: TreeEntry[] = [];
  for (const found of tree) {
    const stamp = fileStamp(found.stat);
    const old = before.get(found.path);
    if (old !== undefined && old.type === found.type && known.get(found.path) === stamp && found.path !== '') {
      entries.set(found.path, old);
      stamps.set(found.path, stamp);
    } else if (found.type === 'file') toRead.push(found);
    else {
      entries.set(found.path, describe(paths, found));
      if (!isRacy(found.stat, context.now())) stamps.set(found.path, stamp);
    }
  }
  context.say(`Scanned ${paths.mount}: ${tree.length} entries, ${toRead.length} files to read`);
  const sums = { newObjects: 0, bytesRead: 0, bytesStored: 0, done: 0 };
  await inParallel(toRead, async (found) => {
    const stored = await store.putFile(absolute(paths.mount, found.path), forPeople(found.path));
    entries.set(found.path, {
      ...common(found.path, stored.stat),
      type: 'file',
      sizeBytes: stored.sizeBytes,
      hash: stored.hash,
      target: null,
    });
    if (!isRacy(stored.stat, context.now())) stamps.set(found.path, fileStamp(stored.stat));
    sums.bytesRead += stored.sizeBytes;
    sums.newObjects += stored.isNew ? 1 : 0;
    sums.bytesStored += stored.isNew ? stored.storedBytes : 0;
    sums.done += 1;
    if (sums.done % PROGRESS_FILES === 0) context.say(`Stored ${sums.done} of ${toRead.length} files`);
  });
  context.say(
    `Stored ${toRead.length} files, ${formatBytes(sums.bytesRead)}: ${sums.newObjects} new objects, ${formatBytes(sums.bytesStored)}`,
  );
  const inOrder = tree.map((found) => entries.get(found.path)).filter((entry) => entry !== undefined);
  return { entries: inOrder, stamps, filesRead: toRead.length, ...sums };
}

function common(path: BytePath, stat: TreeEntry['stat']) {
  return { path, mode: permissions(stat), mtimeNs: stat.mtimeNs };
}

/** The entry of a directory or symbolic link. Throws `unsupported_file` for what is neither. */
function describe(paths: RepositoryPaths, found: TreeEntry): SnapshotEntry {
  const base = { ...common(found.path, found.stat), hash: null };
  if (found.type === 'symlink') {
    const target = linkTarget(paths.mount, found.path);
    return { ...base, type: 'symlink', sizeBytes: target.length, target };
  }
  if (found.type !== 'directory')
    throw new Stratum0Error(
      'unsupported_file',
      `${forPeople(found.path)} is neither a file, a directory nor a symbolic link: remove it, a repository cannot hold it`,
    );
  return { ...base, type: 'directory', sizeBytes: 0, target: null, mode: found.path === '' ? ROOT_MODE : base.mode };
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  let next = 0;
  let failed = false;
  const runner = async (): Promise<void> => {
    while (!failed && next < items.length) {
      const item = items[next];
      next += 1;
      if (item === undefined) return;
      try {
        await work(item);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: FILES_AT_ONCE }, runner));
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
}

/** Throws `outside_path` when something changed that the transaction's path does not cover. */
function refuseOutside(
  before: ReadonlyMap<BytePath, SnapshotEntry>,
  after: readonly SnapshotEntry[],
  scope: string,
): void {
  const path = bytePath(scope);
  if (path === '') return;
  const isFree = (p: BytePath) => p === path || p.startsWith(`${path}/`) || p === '' || path.startsWith(`${p}/`);
  const seen = new Set(after.map((entry) => entry.path));
  const changed = after.filter((entry) => {
    const old = before.get(entry.path);
    return old === undefined || !sameEntry(old, entry);
  });
  const removed = [...before.values()].filter((entry) => !seen.has(entry.path));
  const outside = [...changed, ...removed].find((entry) => !isFree(entry.path));
  if (outside !== undefined)
    throw new Stratum0Error(
      'outside_path',
      `${forPeople(outside.path)} was changed, but the transaction is on ${scope} only: undo it, or abort and open one on the whole repository`,
    );
}
