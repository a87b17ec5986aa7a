import { type BigIntStats, lstatSync, readdirSync, readlinkSync } from 'node:fs';
import { type BytePath, bytePath, forPeople, isAscii, joinPath, parentPath, toBytes } from '../byte-path.ts';
import { comparePaths } from '../catalog/entry.ts';
import type { DiskPath } from '../disk.ts';
import { Stratum0Error, systemCode } from '../errors.ts';

/** A name found on the disk. */
export interface TreeEntry {
  /** Below the tree's root. */
  readonly path: BytePath;
  /** Null: something that cannot be published (socket, device, pipe). */
  readonly type: 'file' | 'directory' | 'symlink' | null;
  readonly stat: BigIntStats;
}

/** Absolute path of an entry, for calls of the operating system: text where that says the same, which costs them less. */
export function absolute(root: string, path: BytePath): DiskPath {
  const whole = wholePath(root, path);
  return isAscii(whole) ? whole : toBytes(whole);
}

/** As {@link absolute}, for other programs. */
export function wholePath(root: string, path: BytePath): BytePath {
  return path === '' ? bytePath(root) : joinPath(bytePath(root), path);
}

/**
 * Everything below a directory, itself included (with the empty path), in the order of their paths. `enter` is called
 * before a directory is listed. Throws `unreadable_file` for a directory that cannot be listed.
 */
export function listTree(root: string, enter: (entry: TreeEntry) => void = () => {}): TreeEntry[] {
  const found: TreeEntry[] = [];
  const visit = (path: BytePath): void => {
    const stat = lstatSync(absolute(root, path), { bigint: true });
    const entry: TreeEntry = { path, type: typeOf(stat), stat };
    found.push(entry);
    if (entry.type !== 'directory') return;
    enter(entry);
    for (const name of listDirectory(root, path)) visit(joinPath(path, name));
  };
  visit('');
  return found.sort(comparePaths);
}

/**
 * As {@link listTree}, but only these directories, as far as they are there, and the names in them. What is above one of
 * them and is not one itself must be a directory: nobody looks whether it is a link to somewhere else.
 */
export function listNames(
  root: string,
  directories: ReadonlySet<BytePath>,
  enter: (entry: TreeEntry) => void = () => {},
): TreeEntry[] {
  const found = new Map<BytePath, TreeEntry>();
  const look = (path: BytePath): void => {
    const stat = lstatSync(absolute(root, path), { bigint: true, throwIfNoEntry: false });
    if (stat !== undefined) found.set(path, { path, type: typeOf(stat), stat });
  };
  // Each before those in it.
  for (const directory of [...directories].sort()) {
    if (directory === '' || !directories.has(parentPath(directory))) look(directory);
    const entry = found.get(directory);
    if (entry?.type !== 'directory') continue;
    enter(entry);
    for (const name of listDirectory(root, directory)) look(joinPath(directory, name));
  }
  return [...found.values()].sort(comparePaths);
}

function listDirectory(root: string, path: BytePath): BytePath[] {
  try {
    return readdirSync(absolute(root, path), { encoding: 'buffer' }).map((name) => name.toString('latin1'));
  } catch (error) {
    throw new Stratum0Error(
      'unreadable_file',
      `the directory ${forPeople(path) || root} cannot be listed (${systemCode(error)})`,
    );
  }
}

function typeOf(stat: BigIntStats): TreeEntry['type'] {
  if (stat.isFile()) return 'file';
  if (stat.isDirectory()) return 'directory';
  return stat.isSymbolicLink() ? 'symlink' : null;
}

export function linkTarget(root: string, path: BytePath): BytePath {
  return readlinkSync(absolute(root, path), { encoding: 'buffer' }).toString('latin1');
}

export function permissions(stat: BigIntStats): number {
  return Number(stat.mode & 0o7777n);
}
