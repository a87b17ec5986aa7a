import type { BigIntStats } from 'node:fs';
import { lstatSync, readdirSync } from 'node:fs';
import { type BytePath, forPeople, joinPath } from '../byte-path.ts';
import { Stratum0Error, systemCode } from '../errors.ts';
import { type FileStamp, fileStamp, inodeOfStamp, isDirectoryStamp } from './mount-index.ts';
import { EVERYWHERE, type Place } from './places.ts';
import { absolute } from './tree.ts';

/** The empty file that makes its directory the beginning of a nested catalog. */
export const MARKER = '.cvmfscatalog';
/** Before the name of a file: the stock tools read there what the file is, whose content is stored already (a graft). */
const GRAFT = '.cvmfsgraft-';
/** A name that clients show in the root themselves. */
const RESERVED = '.cvmfs';

/** Something in the mount tree that is not as it was when it was published last. */
export interface Found {
  readonly path: BytePath;
  readonly type: 'file' | 'directory' | 'symlink';
  readonly stat: BigIntStats;
  /** Of a directory: the number of directories in it, as far as they are published. */
  readonly directories: number;
  /** A directory in which not every name was looked at: the next scan that does has to look at it anew. */
  readonly isPartial: boolean;
}

/** What a look at one directory gives. */
export interface DirectoryScan {
  readonly type: 'directory';
  readonly directory: BytePath;
  /** The directory itself, and what is in it without the directories in it: as far as it is not as published. */
  readonly found: readonly Found[];
  /** Names in it that are gone, or were directories and are none now; not what was below them. */
  readonly removed: readonly BytePath[];
  /** Whether there is a marker in it; null: nobody looked. */
  readonly isMarked: boolean | null;
  /** The number of names in it that were looked at. */
  readonly names: number;
  /** Nothing in it is published. */
  readonly isNew: boolean;
}

/** Nothing more comes from below a directory. Told of those at which nested catalogs may begin. */
export interface Left {
  readonly type: 'left';
  readonly directory: BytePath;
}

export type ScanStep = DirectoryScan | Left;

export interface ScanOptions {
  readonly mount: string;
  /** Names of a directory as they were published, with their stamps. */
  readonly published: (directory: BytePath) => ReadonlyMap<BytePath, FileStamp>;
  /** Told of every directory before it is listed; says whether it has put something there. */
  readonly enter?: (directory: BytePath) => boolean;
  /** Default: everywhere. */
  readonly place?: Place;
  /** Directories that are as they were published, as far as the names in them go; default: none is known to be. */
  readonly isSettled?: (directory: BytePath) => boolean;
}

/**
 * Looks at names in the mount tree, reads no content, and tells what differs, directory by directory: each before what is
 * below it. Throws `unreadable_file` for a directory that cannot be listed, `unsupported_file` for what a repository cannot
 * hold, `bad_marker` for a marker in the root.
 */
export function scanMount(options: ScanOptions): Generator<ScanStep> {
  const { mount, place = EVERYWHERE } = options;
  return new Scanner(options).visit({ path: '', stat: lstat(mount, ''), old: undefined }, place);
}

/** A directory that is to be listed, as it was seen in the one above. */
interface Seen {
  readonly path: BytePath;
  readonly stat: BigIntStats;
  readonly old: FileStamp | undefined;
}

class Scanner {
  readonly #mount: string;
  readonly #published: ScanOptions['published'];
  readonly #enter: (directory: BytePath) => boolean;
  readonly #isSettled: (directory: BytePath) => boolean;
  constructor({ mount, published, enter, isSettled }: ScanOptions) {
    this.#mount = mount;
    this.#published = published;
    this.#enter = enter ?? (() => false);
    this.#isSettled = isSettled ?? (() => false);
  }

  *visit(self: Seen, place: Place): Generator<ScanStep> {
    const directory = self.path;
    const before = this.#published(directory);
    const look = this.#lookOf(place, directory, before);
    const names = look === 'pass' ? this.#leading(place, directory) : list(this.#mount, directory);
    const { leaves, inside, removed, isMarked } = this.#compare(directory, names, before);
    const there = before.size > 0 ? new Set(names) : null;
    for (const name of look === 'pass' ? place.below.keys() : before.keys())
      if (before.has(name) && there?.has(name) === false) removed.push(joinPath(directory, name));
    if (isMarked && directory === '')
      throw new Stratum0Error('bad_marker', `${MARKER} cannot be in the repository's root: remove it`);
    const directories = look === 'pass' ? countAfter(before, removed, inside) : inside.length;
    const isListed = look !== 'pass';
    const own = this.#changed(self, directories, isListed);
    yield {
      ...{ type: 'directory', directory, removed, names: names.length, isNew: before.size === 0 },
      found: [...own, ...leaves],
      isMarked: isListed ? isMarked : null,
    };
    for (const child of inside) {
      const next = look === 'all' ? EVERYWHERE : placeBelow(place, child);
      if (next !== null) yield* this.visit(child, next);
      else yield* this.#closed(child);
    }
    if (isMarked || !isListed) yield { type: 'left', directory };
  }

  /** Who leads to a file must look at its neighbours too: they may be hard links of it. */
  #lookOf(place: Place, directory: BytePath, before: ReadonlyMap<BytePath, FileStamp>): Place['look'] {
    if (place.look !== 'pass') return place.look;
    for (const name of place.below.keys()) {
      const old = before.get(name);
      if (old !== undefined && !isDirectoryStamp(old)) return 'names';
      if (lstatIfThere(this.#mount, joinPath(directory, name))?.isDirectory() === false) return 'names';
    }
    return 'pass';
  }

  #leading(place: Place, directory: BytePath): BytePath[] {
    return [...place.below.keys()].filter((name) => lstatIfThere(this.#mount, joinPath(directory, name)) !== undefined);
  }

  #compare(directory: BytePath, names: readonly BytePath[], before: ReadonlyMap<BytePath, FileStamp>) {
    const leaves: Found[] = [];
    const inside: Seen[] = [];
    const removed: BytePath[] = [];
    let isMarked = false;
    for (const name of names) {
      const path = joinPath(directory, name);
      const { type, stat } = this.#look(path);
      const old = before.get(name);
      if (name === MARKER) {
        if (type !== 'file')
          throw new Stratum0Error('bad_marker', `${forPeople(path)} is a ${type}: make it an empty file`);
        isMarked = true;
      }
      if (type === 'directory') inside.push({ path, stat, old });
      else {
        if (old !== undefined && isDirectoryStamp(old)) removed.push(path);
        if (old === undefined || old !== fileStamp(stat, type)) {
          refuseGraft(name, path);
          leaves.push({ path, type, stat, directories: 0, isPartial: false });
        }
      }
    }
    return { leaves, inside, removed, isMarked };
  }

  #look(path: BytePath): Pick<Found, 'type' | 'stat'> {
    const stat = lstat(this.#mount, path);
    const type = typeOf(stat, path);
    return { type, stat: type === 'directory' && this.#enter(path) ? lstat(this.#mount, path) : stat };
  }

  /** A directory into which nobody looks. */
  *#closed(child: Seen): Generator<ScanStep> {
    const directories = countAfter(this.#published(child.path), [], []);
    const found = this.#changed(child, directories, false);
    if (found.length === 0) return;
    const unseen = { removed: [], isMarked: null, names: 0, isNew: false };
    yield { type: 'directory', directory: child.path, found, ...unseen };
  }

  #changed({ path, stat, old }: Seen, directories: number, isListed: boolean): Found[] {
    // The root's own time is nobody's business, its number of directories is.
    if (path !== '' && old === fileStamp(stat, 'directory')) return [];
    const isPartial = !isListed && !this.#isSettled(path);
    return [{ path, type: 'directory', stat, directories, isPartial }];
  }
}

/** Where to look below a directory of which only the names are looked at; null: it is the one that was there before. */
function placeBelow(place: Place, { path, stat, old }: Seen): Place | null {
  const isSame = old !== undefined && isDirectoryStamp(old) && inodeOfStamp(old) === String(stat.ino);
  if (!isSame && place.look !== 'pass') return EVERYWHERE;
  return place.below.get(path.slice(path.lastIndexOf('/') + 1)) ?? null;
}

/** The number of directories among the published names, once those are gone and these are there. */
function countAfter(
  before: ReadonlyMap<BytePath, FileStamp>,
  removed: readonly BytePath[],
  inside: readonly Seen[],
): number {
  const last = (path: BytePath): BytePath => path.slice(path.lastIndexOf('/') + 1);
  const names = new Set([...before].filter(([, stamp]) => isDirectoryStamp(stamp)).map(([name]) => name));
  for (const path of removed) names.delete(last(path));
  for (const { path } of inside) names.add(last(path));
  return names.size;
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

/** Its file is empty, and would be published so. */
function refuseGraft(name: BytePath, path: BytePath): void {
  if (!name.startsWith(GRAFT)) return;
  throw new Stratum0Error(
    'unsupported_file',
    `${forPeople(path)} says that the content of a file is stored elsewhere, which is not supported: remove it, and put the content into the file`,
  );
}

function lstatIfThere(mount: string, path: BytePath): BigIntStats | undefined {
  try {
    return lstatSync(absolute(mount, path), { bigint: true, throwIfNoEntry: false });
  } catch (error) {
    // A list of changes may hold what no file can be called.
    if (systemCode(error) === 'ENAMETOOLONG') return undefined;
    throw unreadable(path, error);
  }
}

function lstat(mount: string, path: BytePath): BigIntStats {
  try {
    return lstatSync(absolute(mount, path), { bigint: true });
  } catch (error) {
    if (path !== '' && ['ENOENT', 'ENOTDIR'].includes(systemCode(error)))
      throw new Stratum0Error(
        'file_changed',
        `${forPeople(path)} went away while it was looked at; let its writer finish first`,
      );
    throw unreadable(path === '' ? mount : path, error);
  }
}

function unreadable(path: BytePath, error: unknown): Stratum0Error {
  return new Stratum0Error(
    'unreadable_file',
    `${forPeople(path)} cannot be looked at (${systemCode(error)}): put that right or remove it`,
  );
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
