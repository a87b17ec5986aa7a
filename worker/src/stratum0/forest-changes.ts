import { type BytePath, forPeople, parentPath } from './byte-path.ts';
import { type CatalogEntry, comparePaths, DIRECTORY_SIZE } from './catalog/entry.ts';
import type { CatalogForest } from './catalog/forest.ts';
import { Stratum0Error } from './errors.ts';
import type { PackedFile } from './objects/pool.ts';
import type { Found, Scan } from './scan.ts';
import { linkTarget, permissions } from './tree.ts';

/** What a scan found, with what was stored of it. */
export interface Changes {
  readonly scan: Scan;
  readonly packed: ReadonlyMap<BytePath, PackedFile>;
  readonly mount: string;
  /** Only this path, and what is below it, may change; empty: all. */
  readonly scope: BytePath;
}

/**
 * Brings the catalogs to what a scan found: removals, then nested catalogs that end, then new and changed names, each
 * directory before what is in it, with nested catalogs that begin. Throws `outside_path` when something changed that the
 * scope does not cover.
 */
export function applyChanges(forest: CatalogForest, changes: Changes): void {
  const { scan, scope } = changes;
  for (const path of scan.removed) {
    refuseOutside(path, scope);
    forest.removeTree(path);
  }
  const ending = forest.mountpoints().filter((path) => path !== '' && !scan.mountpoints.has(path));
  for (const path of ending.sort().reverse()) forest.merge(path);
  for (const path of scan.mountpoints)
    if (!forest.has(path) && forest.lookup(path)?.type === 'directory') forest.split(path);
  for (const entry of entriesOf(forest, changes)) {
    if (!forest.isNews(entry)) continue;
    refuseOutside(entry.path, scope);
    forest.put(entry);
  }
}

/** The entries of all that was found, in the order of their paths. Begins nested catalogs when their directory is put. */
function* entriesOf(forest: CatalogForest, changes: Changes): Generator<CatalogEntry> {
  const found = changes.scan.found.toSorted(comparePaths);
  const links = linksOf(forest, changes);
  for (const item of found) {
    if (item.path === '') {
      const root = forest.lookup('');
      // As the stock tools: only the number of directories in the root is followed.
      if (root !== null) yield { ...root, linkCount: item.directories + 2 };
      continue;
    }
    yield describe(item, changes, links.get(item.path) ?? null);
    if (item.type === 'directory' && changes.scan.mountpoints.has(item.path) && !forest.has(item.path))
      forest.split(item.path);
  }
}

function describe(item: Found, { packed, mount }: Changes, links: Links | null): CatalogEntry {
  const base = {
    path: item.path,
    type: item.type,
    mode: permissions(item.stat),
    uid: Number(item.stat.uid),
    gid: Number(item.stat.gid),
    mtime: secondsOf(item.stat.mtimeNs),
    mtimeNanoseconds: null,
    hash: null,
    chunks: [],
    target: null,
    linkCount: links?.count ?? 1,
    linkGroup: links?.group ?? 0,
    border: 'none' as const,
  };
  if (item.type === 'directory') return { ...base, sizeBytes: DIRECTORY_SIZE, linkCount: item.directories + 2 };
  if (item.type === 'symlink') {
    const target = linkTarget(mount, item.path);
    return { ...base, sizeBytes: target.length, target };
  }
  const file = packed.get(item.path);
  if (file === undefined) throw new Error(`${forPeople(item.path)} was not stored`);
  return { ...base, sizeBytes: Number(item.stat.size), hash: file.hash, chunks: file.chunks };
}

/** Rounded down, as `st_mtime` is: also before 1970. */
function secondsOf(nanoseconds: bigint): number {
  const seconds = nanoseconds / 1_000_000_000n;
  return Number(nanoseconds < 0n && seconds * 1_000_000_000n !== nanoseconds ? seconds - 1n : seconds);
}

interface Links {
  readonly group: number;
  readonly count: number;
}

/**
 * Groups of hard links: the names in one directory of one file. Names of it in other directories are files of their own,
 * as with the stock tools (parameter CVMFS_IGNORE_XDIR_HARDLINKS). When one of them changes all do, by the file's link
 * count and change time, so the names that a scan found are the whole group.
 */
function linksOf(forest: CatalogForest, { scan }: Changes): Map<BytePath, Links> {
  const groups = new Map<string, BytePath[]>();
  for (const { path, type, stat } of scan.found) {
    if (type !== 'file' || stat.nlink < 2n) continue;
    const key = `${stat.dev} ${stat.ino} ${parentPath(path)}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [path]);
    else group.push(path);
  }
  const links = new Map<BytePath, Links>();
  const last = new Map<BytePath, number>();
  for (const paths of groups.values()) {
    const [first] = paths;
    if (first === undefined || paths.length < 2) continue;
    const group = oldGroup(forest, paths) ?? nextGroup(forest, parentPath(first), last);
    for (const path of paths) links.set(path, { group, count: paths.length });
  }
  return links;
}

/** The number that these names, and no others, have already. */
function oldGroup(forest: CatalogForest, paths: readonly BytePath[]): number | null {
  const before = paths.map((path) => forest.lookup(path));
  const group = before[0]?.linkGroup ?? 0;
  const isSame = before.every((entry) => entry?.linkGroup === group && entry.linkCount === paths.length);
  return group !== 0 && isSame ? group : null;
}

/** A number that is free in all catalogs that the directory can come to be listed in. */
function nextGroup(forest: CatalogForest, directory: BytePath, last: Map<BytePath, number>): number {
  let owner = directory;
  while (owner !== '' && !forest.has(owner)) owner = parentPath(owner);
  const group = Math.max(last.get(owner) ?? 0, forest.newLinkGroup(owner) - 1) + 1;
  last.set(owner, group);
  return group;
}

function refuseOutside(path: BytePath, scope: BytePath): void {
  if (scope === '' || path === scope || path === '' || path.startsWith(`${scope}/`) || scope.startsWith(`${path}/`))
    return;
  throw new Stratum0Error(
    'outside_path',
    `${forPeople(path)} was changed, but the transaction is on ${forPeople(scope)} only: undo it, or abort and open one on the whole repository`,
  );
}
