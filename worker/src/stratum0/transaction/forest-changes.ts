import { type BytePath, forPeople } from '../byte-path.ts';
import { type CatalogEntry, DIRECTORY_SIZE, sameEntry } from '../catalog/entry.ts';
import type { CatalogForest } from '../catalog/forest.ts';
import type { AttributeList } from '../catalog/xattrs.ts';
import { Stratum0Error } from '../errors.ts';
import type { PackedFile } from '../objects/pool.ts';
import type { DirectoryScan, Found } from '../tree/scan.ts';
import { linkTarget, permissions } from '../tree/tree.ts';
import { type Counts, countEntry, countRemoved } from './statistics.ts';

/** What was stored of the files that a scan found, and how to read the rest. */
export interface Stored {
  readonly packed: (file: Found) => PackedFile | undefined;
  /** The extended attributes that are published of what was found. */
  readonly attributes: ReadonlyMap<BytePath, AttributeList>;
  readonly mount: string;
  /** Only this path, and what is below it, may change; empty: all. */
  readonly scope: BytePath;
  /** What is done is counted there. */
  readonly counts: Counts;
}

/**
 * Brings the catalogs to what a scan found in one directory: removals, the directory itself, a nested catalog that begins
 * or ends at it, then what is in it. Directories are to come before what is below them. Throws `outside_path` when something
 * changed that the scope does not cover.
 */
export function applyChanges(forest: CatalogForest, step: DirectoryScan, stored: Stored): void {
  const { directory, found, removed, isMarked, isNew } = step;
  const { scope, counts } = stored;
  for (const path of removed) {
    refuseOutside(path, scope);
    countRemoved(counts, forest.removeTree(path));
  }
  const put = (entry: CatalogEntry): void => {
    const old = isNew && entry.path !== directory ? null : forest.lookup(entry.path);
    // Names that stay in a group of hard links get its new number, too.
    if (old !== null && sameEntry(old, entry) && old.linkGroup === entry.linkGroup) return;
    refuseOutside(entry.path, scope);
    countEntry(counts, old, entry);
    forest.put(entry);
  };
  const own = found.find(({ path }) => path === directory);
  if (own !== undefined) put(directory === '' ? rootEntry(forest, own) : describe(own, stored, null));
  if (isMarked === true && directory !== '' && !forest.has(directory)) forest.split(directory);
  if (isMarked === false && directory !== '' && forest.has(directory)) forest.merge(directory);
  const links = linksOf(forest, directory, found);
  for (const item of found) if (item.path !== directory) put(describe(item, stored, links.get(item.path) ?? null));
}

/** As the stock tools: only the number of directories in the root is followed. */
function rootEntry(forest: CatalogForest, { directories }: Found): CatalogEntry {
  const root = forest.lookup('');
  if (root === null) throw new Error('the root catalog does not list the root');
  return { ...root, linkCount: directories + 2 };
}

function describe(item: Found, { packed, attributes, mount }: Stored, links: Links | null): CatalogEntry {
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
    attributes: attributes.get(item.path) ?? null,
    linkCount: links?.count ?? 1,
    linkGroup: links?.group ?? 0,
    border: 'none' as const,
  };
  if (item.type === 'directory') return { ...base, sizeBytes: DIRECTORY_SIZE, linkCount: item.directories + 2 };
  if (item.type === 'symlink') {
    const target = linkTarget(mount, item.path);
    return { ...base, sizeBytes: target.length, target };
  }
  const file = packed(item);
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
function linksOf(forest: CatalogForest, directory: BytePath, found: readonly Found[]): Map<BytePath, Links> {
  const linked = found.filter(({ type, stat }) => type === 'file' && stat.nlink > 1n);
  const groups = Map.groupBy(linked, ({ stat }) => `${stat.dev} ${stat.ino}`);
  const links = new Map<BytePath, Links>();
  for (const names of groups.values()) {
    if (names.length < 2) continue;
    const paths = names.map(({ path }) => path);
    const group = oldGroup(forest, paths) ?? forest.newLinkGroup(directory);
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

function refuseOutside(path: BytePath, scope: BytePath): void {
  if (scope === '' || path === scope || path === '' || path.startsWith(`${scope}/`) || scope.startsWith(`${path}/`))
    return;
  throw new Stratum0Error(
    'outside_path',
    `${forPeople(path)} was changed, but the transaction is on ${forPeople(scope)} only: undo it, or abort and open one on the whole repository`,
  );
}
