import { chmodSync } from 'node:fs';
import { type BytePath, forPeople, parentPath, toBytes } from '../byte-path.ts';
import type { CatalogEntry } from '../catalog/entry.ts';
import { type Attributes, decodeAttributes } from '../catalog/xattrs.ts';
import type { Context } from '../context.ts';
import { type DiskPath, finishWith } from '../disk.ts';
import type { RepositoryPaths } from '../paths.ts';
import type { Published } from '../published.ts';
import { readSettings } from '../settings.ts';
import { writeAttributes } from '../tree/attributes.ts';
import { mirrorOf } from '../tree/mirror.ts';
import { despiteDamage, type FileStamp, fileStamp, type MountIndex } from '../tree/mount-index.ts';
import { absolute, linkTarget, permissions, type TreeEntry } from '../tree/tree.ts';
import { type RestoreScope, restoreScope } from './restore-scope.ts';

/** Permissions the restorer needs on a directory it works in; the published mode is set at the end. */
const WORKABLE = 0o700;
/** The most files that are made durable each on its own. */
const SYNC_ONE_BY_ONE = 16;

/** Makes the mount tree what is published, as far as it may not be. Gives the number of entries that were not. */
export function restoreTree(context: Context, paths: RepositoryPaths, published: Published): Promise<number> {
  return despiteDamage(context, paths, () => restore(context, paths, published));
}

async function restore(context: Context, paths: RepositoryPaths, published: Published): Promise<number> {
  const index = await mirrorOf(context, paths, published);
  try {
    const scope = await restoreScope(paths, published, index);
    const { wanted } = scope;
    const intact = await removeOthers(context, paths, scope, index);
    const missing = wanted.filter(({ path }) => path !== '' && !intact.has(path));
    const links = new Map<string, BytePath>();
    for (const entry of wanted)
      if (intact.has(entry.path) && entry.linkGroup > 0) links.set(linkKey(entry), entry.path);
    const isMany = missing.length > SYNC_ONE_BY_ONE;
    for (const entry of missing) await createEntry(context, { paths, published, links, isMany }, entry);
    // A change of owner takes capabilities away; who cannot change owners needs to write while modes still let it.
    const isRoot = process.getuid?.() === 0;
    if (!isRoot) await restoreAttributes(paths, wanted, intact);
    await finishAll(context, paths, scope);
    if (isRoot) await restoreAttributes(paths, wanted, intact);
    // The index is believed from now on: whatever it says of a file must be so after a loss of power, too.
    if (isMany) await context.disk.syncTree(paths.mount);
    const stamps = stampsOf(scope).filter(([path, stamp]) => index.stamp(path) !== stamp);
    index.update(published.manifest.root, { removed: [], stamps, catalogs: index.catalogs() });
    return missing.length + intact.strangers;
  } finally {
    index.close();
  }
}

/** Those of what was made anew, and of directories, which stay as they are otherwise. */
async function restoreAttributes(
  paths: RepositoryPaths,
  wanted: readonly CatalogEntry[],
  intact: ReadonlySet<BytePath>,
): Promise<void> {
  if (!(await readSettings(paths)).includesAttributes) return;
  const lists = wanted.flatMap(({ path, type, attributes }): [BytePath, Attributes][] =>
    attributes === null || (type !== 'directory' && intact.has(path))
      ? []
      : [[path, decodeAttributes(attributes, path)]],
  );
  await writeAttributes(paths.mount, new Map(lists));
}

const linkKey = ({ path, linkGroup }: CatalogEntry): string => `${linkGroup} ${parentPath(path)}`;

/** Removes whatever is not as published. Gives the paths that stay, and the number of those that nobody wants. */
async function removeOthers(
  context: Context,
  paths: RepositoryPaths,
  { wanted, list }: RestoreScope,
  index: MountIndex,
): Promise<Set<BytePath> & { strangers: number }> {
  const byPath = new Map(wanted.map((entry) => [entry.path, entry]));
  const intact = Object.assign(new Set<BytePath>(), { strangers: 0 });
  const found = list((entry) => makeWorkable(paths, entry));
  for (const entry of found.toReversed()) {
    if (entry.path === '') continue;
    const want = byPath.get(entry.path);
    if (want !== undefined && isAsPublished(paths, entry, want, index.stamp(entry.path))) intact.add(entry.path);
    else {
      await removeEntry(context, paths, entry);
      if (want === undefined) intact.strangers += 1;
    }
  }
  return intact;
}

/** Lets a restorer that is not root list and change a directory. Undone with {@link finishAll}. */
function makeWorkable(paths: RepositoryPaths, entry: TreeEntry): void {
  const mode = permissions(entry.stat);
  if ((mode & WORKABLE) !== WORKABLE) chmodSync(absolute(paths.mount, entry.path), mode | WORKABLE);
}

function isAsPublished(paths: RepositoryPaths, found: TreeEntry, want: CatalogEntry, stamp: FileStamp | null): boolean {
  if (found.type === null || found.type !== want.type) return false;
  if (found.type === 'directory') return true;
  if (found.type === 'symlink') return linkTarget(paths.mount, found.path) === want.target;
  return stamp === fileStamp(found.stat, found.type);
}

/** Removes a name; a directory is empty by now, unless something published is in it: then it stays. */
async function removeEntry(context: Context, paths: RepositoryPaths, entry: TreeEntry): Promise<void> {
  const path = absolute(paths.mount, entry.path);
  if (entry.type === 'directory') await context.disk.removeDirectory(path);
  else await context.disk.remove(path);
}

/** What all entries are made anew with. */
interface Making {
  readonly paths: RepositoryPaths;
  readonly published: Published;
  /** Of each group of hard links the name that is there already. */
  readonly links: Map<string, BytePath>;
  /** They are made durable together, by whoever makes them. */
  readonly isMany: boolean;
}

async function createEntry(
  context: Context,
  { paths, published, links, isMany }: Making,
  entry: CatalogEntry,
): Promise<void> {
  const path = absolute(paths.mount, entry.path);
  if (entry.type === 'directory') return context.disk.makeDirectory(path, entry.mode | WORKABLE);
  if (entry.type === 'symlink') return context.disk.symlink(toBytes(entry.target ?? ''), path);
  const other = entry.linkGroup > 0 ? links.get(linkKey(entry)) : undefined;
  if (other !== undefined) return context.disk.link(absolute(paths.mount, other), path);
  if (entry.linkGroup > 0) links.set(linkKey(entry), entry.path);
  const file = await context.disk.create(path, 0o600);
  const write = async (): Promise<void> => {
    for await (const part of published.parts(entry)) await file.write(part);
  };
  if (isMany) await write().finally(() => file.abandon());
  else await finishWith(file, write);
}

/** Sets owners, modes and times, innermost first. */
async function finishAll(context: Context, paths: RepositoryPaths, { wanted, list }: RestoreScope): Promise<void> {
  const found = new Map(list().map((entry) => [entry.path, entry]));
  for (const entry of wanted.toReversed()) {
    if (entry.path === '') continue;
    const stat = found.get(entry.path)?.stat;
    if (stat === undefined) throw new Error(`${forPeople(entry.path)} was removed by somebody while it was restored`);
    await finishEntry(context, absolute(paths.mount, entry.path), entry, stat);
  }
}

function stampsOf({ list }: RestoreScope): [BytePath, FileStamp][] {
  return list().flatMap(({ path, type, stat }) =>
    type === null || path === '' ? [] : [[path, fileStamp(stat, type)]],
  );
}

async function finishEntry(
  { disk }: Context,
  path: DiskPath,
  entry: CatalogEntry,
  stat: TreeEntry['stat'],
): Promise<void> {
  const isOther = stat.uid !== BigInt(entry.uid) || stat.gid !== BigInt(entry.gid);
  // Only root can give files away; a restorer that is not root could not have published them either.
  if (isOther && process.getuid?.() === 0) await disk.setOwner(path, entry.uid, entry.gid);
  // A change of owner takes set-user-id away.
  if (entry.type !== 'symlink' && (isOther || permissions(stat) !== entry.mode)) await disk.setMode(path, entry.mode);
  const isInTime = stat.mtimeNs / 1_000_000_000n === BigInt(entry.mtime);
  if (!isInTime) await disk.setModificationTime(path, entry.mtime);
}
