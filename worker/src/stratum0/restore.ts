import { chmodSync } from 'node:fs';
import { type BytePath, forPeople, toBytes } from './byte-path.ts';
import type { Context } from './context.ts';
import { finishWith } from './disk.ts';
import { type FileStamp, fileStamp, readKnownFiles, writeKnownFiles } from './known-files.ts';
import { withRepositoryLock } from './lock.ts';
import type { RepositoryPaths } from './paths.ts';
import type { Published } from './published.ts';
import {
  closeCutOffPublish,
  closeTransaction,
  existingRepository,
  openServed,
  openTransactionOf,
} from './repository.ts';
import type { SnapshotEntry } from './snapshot.ts';
import { absolute, linkTarget, listTree, permissions, type TreeEntry } from './tree.ts';

/** Permissions the restorer needs on a directory it works in; the published mode is set at the end. */
const WORKABLE = 0o700;

/**
 * Discards a transaction: the mount tree becomes what is published. Throws `no_transaction`. The transaction ends last,
 * so an abort that dies is simply done again.
 */
export async function abort(context: Context, name: string): Promise<void> {
  const paths = existingRepository(context, name);
  await withRepositoryLock(paths, async () => {
    if ((await closeCutOffPublish(context, paths)) !== null) return;
    await openTransactionOf(paths);
    const published = await openServed(context, paths);
    const repaired = await restoreTree(context, paths, published);
    await closeTransaction(context, paths);
    context.say(
      `Aborted the transaction on ${name}: ${repaired} entries put back, revision ${published.manifest.revision} stays`,
    );
  });
}

async function restoreTree(context: Context, paths: RepositoryPaths, published: Published): Promise<number> {
  const wanted = await published.entries();
  const byPath = new Map(wanted.map((entry) => [entry.path, entry]));
  const known = await readKnownFiles(paths, published.manifest.root);
  const found = listTree(paths.mount, (entry) => makeWorkable(paths, entry));
  const intact = new Set<BytePath>();
  let repaired = 0;
  for (const entry of found.toReversed()) {
    const want = byPath.get(entry.path);
    const isIntact = want !== undefined && (await isAsPublished(paths, entry, want, known.get(entry.path)));
    if (isIntact) intact.add(entry.path);
    else if (entry.path !== '') await removeEntry(context, paths, entry);
    if (!isIntact) repaired += 1;
  }
  for (const entry of wanted) {
    if (entry.path === '' || intact.has(entry.path)) continue;
    await createEntry(context, paths, published, entry);
    repaired += 1;
  }
  const stamps = await finishTimes(context, paths, wanted);
  await writeKnownFiles(context, paths, published.manifest.root, stamps);
  return repaired;
}

/** Lets a restorer that is not root list and change a directory. Undone with {@link finishTimes}. */
function makeWorkable(paths: RepositoryPaths, entry: TreeEntry): void {
  const mode = permissions(entry.stat);
  if ((mode & WORKABLE) !== WORKABLE) chmodSync(absolute(paths.mount, entry.path), mode | WORKABLE);
}

async function isAsPublished(
  paths: RepositoryPaths,
  found: TreeEntry,
  want: SnapshotEntry,
  stamp: FileStamp | undefined,
): Promise<boolean> {
  if (found.type !== want.type) return false;
  if (found.type === 'directory') return true;
  if (found.type === 'symlink') return linkTarget(paths.mount, found.path) === want.target;
  return stamp === fileStamp(found.stat);
}

/** Removes a name; a directory is empty by now, unless something published is in it: then it stays. */
async function removeEntry(context: Context, paths: RepositoryPaths, entry: TreeEntry): Promise<void> {
  const path = absolute(paths.mount, entry.path);
  if (entry.type === 'directory') await context.disk.removeDirectory(path);
  else await context.disk.remove(path);
}

async function createEntry(
  context: Context,
  paths: RepositoryPaths,
  published: Published,
  entry: SnapshotEntry,
): Promise<void> {
  const path = absolute(paths.mount, entry.path);
  if (entry.type === 'directory') return context.disk.makeDirectory(path, entry.mode | WORKABLE);
  if (entry.type === 'symlink') return context.disk.symlink(toBytes(entry.target ?? ''), path);
  const content = await published.content(entry);
  const file = await context.disk.create(path, 0o600);
  await finishWith(file, () => file.write(content));
}

/** Sets modes and times, innermost first, and returns the stamps of the finished tree. */
async function finishTimes(
  context: Context,
  paths: RepositoryPaths,
  wanted: readonly SnapshotEntry[],
): Promise<Map<BytePath, FileStamp>> {
  const found = new Map(listTree(paths.mount).map((entry) => [entry.path, entry]));
  for (const entry of wanted.toReversed()) {
    const stat = found.get(entry.path)?.stat;
    const path = absolute(paths.mount, entry.path);
    const label = forPeople(entry.path);
    if (stat === undefined) throw new Error(`${label} was removed by somebody while it was restored`);
    if (entry.type !== 'symlink' && entry.path !== '' && permissions(stat) !== entry.mode)
      await context.disk.setMode(path, entry.mode);
    if (!isClose(stat.mtimeNs, entry.mtimeNs))
      await context.disk.setModificationTime(path, Number(entry.mtimeNs) / 1e9);
  }
  return new Map(listTree(paths.mount).map((entry) => [entry.path, fileStamp(entry.stat)]));
}

/** Node sets times as floating-point seconds, which are exact to about half a microsecond. */
function isClose(a: bigint, b: bigint): boolean {
  const difference = a > b ? a - b : b - a;
  return difference < 1000n;
}
