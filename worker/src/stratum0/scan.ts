import type { BigIntStats } from 'node:fs';
import { lstatSync, readdirSync } from 'node:fs';
import { type BytePath, forPeople, joinPath } from './byte-path.ts';
import { Stratum0Error, systemCode } from './errors.ts';
import { type FileStamp, fileStamp, isDirectoryStamp } from './mount-index.ts';
import { absolute } from './tree.ts';

/** The empty file that makes its directory the beginning of a nested catalog. */
export const MARKER = '.cvmfscatalog';
/** A name that clients show in the root themselves. */
const RESERVED = '.cvmfs';

/** Something in the mount tree that is not as it was when it was published last. */
export interface Found {
  readonly path: BytePath;
  readonly type: 'file' | 'directory' | 'symlink';
  readonly stat: BigIntStats;
  /** Of a directory: the number of directories in it. */
  readonly directories: number;
}

/** What a look over the mount tree gives. */
export interface Scan {
  /** In no order. */
  readonly found: readonly Found[];
  /** Names that are gone, or were directories and are none now; not what was below them. */
  readonly removed: readonly BytePath[];
  /** Directories with a marker. */
  readonly mountpoints: ReadonlySet<BytePath>;
  /** Every directory with the number of names in it. */
  readonly directories: ReadonlyMap<BytePath, number>;
  readonly entries: number;
}

export interface ScanOptions {
  readonly mount: string;
  /** Names of a directory as they were published, with their stamps. */
  readonly published: (directory: BytePath) => ReadonlyMap<BytePath, FileStamp>;
  /** Told of every directory before it is listed; says whether it has put something there. */
  readonly enter?: (directory: BytePath) => boolean;
}

/**
 * Looks at every name in the mount tree, reads no content, and tells what differs. Throws `unreadable_file` for a directory
 * that cannot be listed, `unsupported_file` for what a repository cannot hold, `bad_marker` for a marker in the root.
 */
export function scanMount({ mount, published, enter }: ScanOptions): Scan {
  const found: Found[] = [];
  const removed: BytePath[] = [];
  const mountpoints = new Set<BytePath>();
  const sizes = new Map<BytePath, number>();
  let entries = 0;

  const look = (path: BytePath): Pick<Found, 'type' | 'stat'> => {
    const stat = lstat(mount, path);
    const type = typeOf(stat, path);
    return { type, stat: type === 'directory' && enter?.(path) === true ? lstat(mount, path) : stat };
  };
  const compare = (item: Found, old: FileStamp | undefined): void => {
    if (old !== undefined && isDirectoryStamp(old) && item.type !== 'directory') removed.push(item.path);
    if (old === undefined || old !== fileStamp(item.stat, item.type)) found.push(item);
  };
  /** Gives the number of directories in it. */
  const visit = (directory: BytePath): number => {
    const before = published(directory);
    const names = list(mount, directory);
    sizes.set(directory, names.length);
    let directories = 0;
    for (const name of names) {
      const path = joinPath(directory, name);
      const { type, stat } = look(path);
      entries += 1;
      if (type === 'directory') directories += 1;
      compare({ path, type, stat, directories: type === 'directory' ? visit(path) : 0 }, before.get(name));
      if (name === MARKER && type === 'file') mountpoints.add(directory);
    }
    const now = before.size > 0 ? new Set(names) : null;
    for (const name of before.keys()) if (now?.has(name) === false) removed.push(joinPath(directory, name));
    return directories;
  };

  const directories = visit('');
  found.push({ path: '', type: 'directory', stat: lstat(mount, ''), directories });
  if (mountpoints.delete(''))
    throw new Stratum0Error('bad_marker', `${MARKER} cannot be in the repository's root: remove it`);
  return { found, removed, mountpoints, directories: sizes, entries };
}

function list(mount: string, directory: BytePath): BytePath[] {
  try {
    const names = readdirSync(absolute(mount, directory), { encoding: 'latin1' });
    if (directory === '' && names.includes(RESERVED))
      throw new Stratum0Error('unsupported_file', `${RESERVED} in the root is a name of CernVM-FS's own: remove it`);
    return names;
  } catch (error) {
    if (error instanceof Stratum0Error) throw error;
    throw new Stratum0Error(
      'unreadable_file',
      `the directory ${forPeople(directory) || mount} cannot be listed (${systemCode(error)})`,
    );
  }
}

function lstat(mount: string, path: BytePath): BigIntStats {
  try {
    return lstatSync(absolute(mount, path), { bigint: true });
  } catch (error) {
    throw new Stratum0Error(
      'file_changed',
      `${forPeople(path)} went away while it was looked at (${systemCode(error)}); let its writer finish first`,
    );
  }
}

function typeOf(stat: BigIntStats, path: BytePath): Found['type'] {
  if (stat.isFile()) return 'file';
  if (stat.isDirectory()) return 'directory';
  if (stat.isSymbolicLink()) return 'symlink';
  throw new Stratum0Error(
    'unsupported_file',
    `${forPeople(path)} is neither a file, a directory nor a symbolic link: remove it, a repository cannot hold it`,
  );
}
