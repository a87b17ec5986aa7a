import { formatBytes } from '@icefall/shared/text';
import { type CatalogWeights, chooseCatalogs } from './balance.ts';
import { type BytePath, bytePath, forPeople } from './byte-path.ts';
import { CatalogForest, type KnownCatalog } from './catalog/forest.ts';
import type { Context } from './context.ts';
import { realDisk } from './disk.ts';
import { Stratum0Error, systemCode } from './errors.ts';
import { applyChanges } from './forest-changes.ts';
import { advanceHistory, checkNewTag } from './history.ts';
import { withRepositoryLock } from './lock.ts';
import { planMarkers, putAutomaticMarkers } from './markers.ts';
import { catalogLoader, mirrorOf } from './mirror.ts';
import { type FileStamp, fileStamp, isRacy, type MountIndex, unknownStamp } from './mount-index.ts';
import { type ObjectStore, objectStore } from './object-store.ts';
import type { PackJob } from './objects/pack.ts';
import { inlinePacker, type PackedFile, type Packer, threadedPacker } from './objects/pool.ts';
import type { RepositoryPaths } from './paths.ts';
import { closeCutOffPublish } from './recovery.ts';
import { closeTransaction, existingRepository, openServed, openTransactionOf } from './repository.ts';
import { commitRevision } from './revision.ts';
import { type Found, type Scan, scanMount } from './scan.ts';
import { absolute } from './tree.ts';

/** Files between two lines of progress. */
const PROGRESS_FILES = 1000;

export interface PublishOptions {
  /** A name for the revision; without one it gets a generic one. */
  readonly tag: string | null;
  readonly description: string;
  /** Split catalogs that become too large; absent or null: as they are marked only. */
  readonly weights?: CatalogWeights | null;
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
    if (options.tag !== null) checkNewTag(await base.tags(), options.tag);
    const index = await mirrorOf(context, paths, base);
    try {
      const published = await namingFullDisk(() =>
        publishChanges(
          context,
          {
            paths,
            index,
            scope: bytePath(transaction.path),
            store: objectStore(context.disk, paths.served, paths.unsettled),
          },
          options,
        ),
      );
      await closeTransaction(context, paths);
      context.say(`Published ${name}: revision ${published.revision}, root hash ${published.root}`);
      return published;
    } finally {
      index.close();
    }
  });
}

/** What the parts of a publish share. */
interface Work {
  readonly paths: RepositoryPaths;
  readonly index: MountIndex;
  /** Only this path may change; empty: all. */
  readonly scope: BytePath;
  readonly store: ObjectStore;
}

async function publishChanges(context: Context, work: Work, options: PublishOptions): Promise<PublishResult> {
  const { paths, index, store } = work;
  const scan = await scanBalanced(context, work, options.weights ?? null);
  const packed = await packFiles(context, work, scan);
  const forest = new CatalogForest(index.catalogs(), catalogLoader(paths));
  try {
    applyChanges(forest, { scan, packed, mount: paths.mount, scope: work.scope });
    const now = Math.floor(context.now() / 1000);
    const given = options.tag === null ? null : { name: options.tag, description: options.description };
    const { manifest, catalogs } = await commitRevision(context, paths, {
      forest,
      store,
      now,
      advance: (tags, newest) => advanceHistory(tags, newest, given),
    });
    updateIndex(context, index, scan, manifest.root, catalogs);
    return { revision: manifest.revision, root: manifest.root, filesRead: packed.size };
  } finally {
    forest.close();
  }
}

/** Looks at the mount tree; where a catalog would become too large, once more with the markers that split it. */
async function scanBalanced(context: Context, { paths, index }: Work, weights: CatalogWeights | null): Promise<Scan> {
  const enter = await planMarkers(paths);
  const scan = () => scanMount({ mount: paths.mount, published: (directory) => index.list(directory), enter });
  const first = scan();
  const chosen = weights === null ? [] : chooseCatalogs(first.directories, first.mountpoints, weights);
  for (const directory of chosen) {
    context.say(`Automatic creation of nested catalog in '/${forPeople(directory)}'`);
    putAutomaticMarkers(paths, directory);
  }
  return chosen.length === 0 ? first : scan();
}

/** Reads and stores the files that a scan has found. Gives what is stored of each. */
async function packFiles(
  context: Context,
  { paths, store }: Work,
  scan: Scan,
): Promise<ReadonlyMap<BytePath, PackedFile>> {
  // Of a group of hard links one name is read.
  const first = new Map<string, Found>();
  const files = scan.found.filter(({ type }) => type === 'file');
  for (const file of files) if (!first.has(inodeOf(file))) first.set(inodeOf(file), file);
  const toRead = [...first.values()];
  context.say(`Scanned ${paths.mount}: ${scan.entries} entries, ${toRead.length} files to read`);
  const stored = new Map<string, PackedFile>();
  const sums = { bytesRead: 0, newObjects: 0, bytesStored: 0 };
  const packer: Packer = chooseCrew(context, paths, toRead.length);
  await packer.pack(
    toRead.map((file) => jobOf(paths, file)),
    (index, result) => {
      const file = toRead[index];
      if (file === undefined) return;
      stored.set(inodeOf(file), result);
      store.add(result.newObjects);
      sums.bytesRead += Number(file.stat.size);
      sums.newObjects += result.newObjects.length;
      sums.bytesStored += result.storedBytes;
      if (stored.size % PROGRESS_FILES === 0) context.say(`Stored ${stored.size} of ${toRead.length} files`);
    },
  );
  context.say(
    `Stored ${toRead.length} files, ${formatBytes(sums.bytesRead)}: ${sums.newObjects} new objects, ${formatBytes(sums.bytesStored)}`,
  );
  const byPath = new Map<BytePath, PackedFile>();
  for (const file of files) {
    const result = stored.get(inodeOf(file));
    if (result !== undefined) byPath.set(file.path, result);
  }
  return byPath;
}

const inodeOf = ({ stat }: Found): string => `${stat.dev} ${stat.ino}`;

/** Threads pay only for more than a few files; a disk that is not the real one cannot be handed to them. */
const FEW_FILES = 4;
const FEW_BYTES = 1024 * 1024;

function chooseCrew(context: Context, paths: RepositoryPaths, files: number): Packer {
  const isInline = context.threads === 0 || context.disk !== realDisk || files <= FEW_FILES;
  const inline = inlinePacker((name, bytes) => context.disk.putObject(`${paths.served}/${name}`, bytes));
  if (context.threads === 0 || context.disk !== realDisk) return inline;
  const threaded = threadedPacker(paths.served, context.threads);
  if (!isInline) return threaded;
  return {
    pack: (jobs, done) => (jobs.every(({ sizeBytes }) => sizeBytes < FEW_BYTES) ? inline : threaded).pack(jobs, done),
  };
}

function jobOf(paths: RepositoryPaths, { path, stat }: Found): PackJob {
  return {
    path: absolute(paths.mount, path),
    label: forPeople(path),
    sizeBytes: Number(stat.size),
    inode: stat.ino,
    mtimeNs: stat.mtimeNs,
    ctimeNs: stat.ctimeNs,
  };
}

function updateIndex(
  context: Context,
  index: MountIndex,
  scan: Scan,
  root: string,
  catalogs: ReadonlyMap<BytePath, KnownCatalog>,
): void {
  const now = context.now();
  const stamps = scan.found.map(({ path, type, stat }): readonly [BytePath, FileStamp] => [
    path,
    isRacy(stat, now) ? unknownStamp(type) : fileStamp(stat, type),
  ]);
  index.update(root, { removed: scan.removed, stamps, catalogs });
}

async function namingFullDisk<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (systemCode(error) !== 'ENOSPC' && !/ENOSPC|database or disk is full/.test(String(error))) throw error;
    throw new Stratum0Error(
      'disk_full',
      'the disk of the repository is full: make room, then publish again; the old revision stays served',
    );
  }
}
