import { type BigIntStats, rmSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { type BytePath, parentPath } from '../byte-path.ts';
import { COUNTERS, type Counters, NO_COUNTS } from '../catalog/counters.ts';
import type { KnownCatalog } from '../catalog/forest.ts';
import { nameOf } from '../catalog/rows.ts';
import type { Context } from '../context.ts';
import type { RepositoryPaths } from '../paths.ts';
import type { Digest } from './survey.ts';

/** What the file system said of an entry when it was last read or restored; its first letter is the entry's type. */
export type FileStamp = string;

const LETTERS = { file: 'f', directory: 'd', symlink: 'l' } as const;

/** Changes whenever content, size, mode, owner, name or links of a file could have changed. */
export function fileStamp(stat: BigIntStats, type: keyof typeof LETTERS): FileStamp {
  const { ino, size, mode, uid, gid, nlink, mtimeNs, ctimeNs } = stat;
  // A directory's size and links follow from what is in it, which is looked at anyway.
  if (type === 'directory') return `d ${ino} ${mode} ${uid} ${gid} ${mtimeNs} ${ctimeNs}`;
  return `${LETTERS[type]} ${ino} ${size} ${mode} ${uid} ${gid} ${nlink} ${mtimeNs} ${ctimeNs}`;
}

/** The stamp of something that is published but has to be looked at anew. */
export const unknownStamp = (type: keyof typeof LETTERS): FileStamp => LETTERS[type];

/** The stamp of a directory of which not every name was looked at: it is known again, but has to be looked at anew. */
export const partialStamp = (stat: BigIntStats): FileStamp => `d ${stat.ino}`;

/** An empty text where it is not known. */
export const inodeOfStamp = (stamp: FileStamp): string => stamp.split(' ', 2)[1] ?? '';

export const isDirectoryStamp = (stamp: FileStamp): boolean => stamp.startsWith('d');

/**
 * A file that was changed so shortly before it was read could be changed again without a new time stamp (they tick at
 * a few milliseconds): it is read again by the next publish. The same trap as Git's "racy" index entries.
 */
const RACY_NS = 100_000_000n;

export function isRacy(stat: BigIntStats, nowMs: number): boolean {
  return BigInt(Math.round(nowMs)) * 1_000_000n - stat.ctimeNs < RACY_NS;
}

/** What one publish or abort makes different in the index. */
export interface IndexChanges {
  /** Removed first, with all that is below them. */
  readonly removed: readonly BytePath[];
  readonly stamps: Iterable<readonly [BytePath, FileStamp]>;
  readonly catalogs: ReadonlyMap<BytePath, KnownCatalog>;
}

const TABLES = `
CREATE TABLE IF NOT EXISTS meta (root TEXT);
CREATE TABLE IF NOT EXISTS entries (directory TEXT, name TEXT, stamp TEXT, PRIMARY KEY (directory, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS digests (directory TEXT PRIMARY KEY, digest TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS catalogs (path TEXT PRIMARY KEY, hash TEXT, size INTEGER, total TEXT);
`;

/**
 * A mirror of the published tree, beside the mount tree: every name with its stamp, so that a publish finds what changed
 * without opening a catalog, and every catalog with its counts. A directory of which all stamps are known has a digest too:
 * while a survey gives the same one, nobody has to look at its names. Only a cache: one that belongs to another root catalog,
 * or cannot be read, is made anew from the catalogs.
 */
export class MountIndex {
  readonly #database: DatabaseSync;
  readonly #list: StatementSync;
  readonly #find: StatementSync;
  readonly #put: StatementSync;
  readonly #remove: StatementSync;
  readonly #removeBelow: StatementSync;
  readonly #forgetDigest: StatementSync;
  readonly #forgetDigestsBelow: StatementSync;
  /** The directory whose digest was forgotten last: its names come one after the other. */
  #forgotten: BytePath | null = null;
  /** As they were given out last: what is still the same object need not be written. */
  #catalogs: ReadonlyMap<BytePath, KnownCatalog> | null = null;
  constructor(path: string) {
    this.#database = new DatabaseSync(path);
    this.#database.exec(`PRAGMA synchronous = NORMAL; ${TABLES}`);
    this.#list = this.#database.prepare('SELECT name, stamp FROM entries WHERE directory = ?');
    this.#find = this.#database.prepare('SELECT stamp FROM entries WHERE directory = ? AND name = ?');
    this.#put = this.#database.prepare('INSERT OR REPLACE INTO entries (directory, name, stamp) VALUES (?, ?, ?)');
    this.#remove = this.#database.prepare('DELETE FROM entries WHERE directory = ? AND name = ?');
    // '0' is what follows '/' in the order of bytes.
    const below = "WHERE directory = ?1 OR (directory > ?1 || '/' AND directory < ?1 || '0')";
    this.#removeBelow = this.#database.prepare(`DELETE FROM entries ${below}`);
    this.#forgetDigest = this.#database.prepare('DELETE FROM digests WHERE directory = ?');
    this.#forgetDigestsBelow = this.#database.prepare(`DELETE FROM digests ${below}`);
  }

  /** The root catalog that it mirrors; null: none. */
  root(): string | null {
    const root = this.#database.prepare('SELECT root FROM meta').get()?.root;
    return typeof root === 'string' ? root : null;
  }

  /** Names of a directory with their stamps. */
  list(directory: BytePath): Map<BytePath, FileStamp> {
    const names = new Map<BytePath, FileStamp>();
    for (const row of this.#list.iterate(directory)) names.set(String(row.name), String(row.stamp));
    return names;
  }

  /** The stamp of one path; null: it is not published. */
  stamp(path: BytePath): FileStamp | null {
    const stamp = this.#find.get(parentPath(path), nameOf(path))?.stamp;
    return typeof stamp === 'string' ? stamp : null;
  }

  /** About how many names there are in the whole tree. */
  names(): number {
    const total = this.#database.prepare("SELECT total FROM catalogs WHERE path = ''").get()?.total;
    const { dir, regular, symlink } = typeof total === 'string' ? readCounters(total) : NO_COUNTS;
    return dir + regular + symlink;
  }

  /** Of directories of which nothing has changed while a survey gives the same. */
  digests(): Map<BytePath, Digest> {
    const rows = this.#database.prepare('SELECT directory, digest FROM digests').iterate();
    const digests = new Map<BytePath, Digest>();
    for (const row of rows) digests.set(String(row.directory), String(row.digest));
    return digests;
  }

  catalogs(): Map<BytePath, KnownCatalog> {
    const rows = this.#database.prepare('SELECT path, hash, size, total FROM catalogs').all();
    const catalogs = new Map(
      rows.map((row): [BytePath, KnownCatalog] => [
        String(row.path),
        { hash: String(row.hash), sizeBytes: Number(row.size), total: readCounters(String(row.total)) },
      ]),
    );
    this.#catalogs = catalogs;
    return catalogs;
  }

  /** Makes it mirror another root catalog; all or nothing. */
  update(root: string, { removed, stamps, catalogs }: IndexChanges): void {
    this.begin();
    try {
      for (const path of removed) this.remove(path);
      for (const [path, stamp] of stamps) this.put(path, stamp);
      this.commit(root, catalogs);
    } catch (error) {
      this.rollback();
      throw error;
    }
  }

  /** Begins to change it, until {@link commit} or {@link rollback}. What was changed can be read at once. */
  begin(): void {
    this.#database.exec('BEGIN');
    this.#forgotten = null;
  }

  /** Forgets a path with all that is below it. */
  remove(path: BytePath): void {
    this.#changeIn(parentPath(path));
    this.#remove.run(parentPath(path), nameOf(path));
    this.#removeBelow.run(path);
    this.#forgetDigestsBelow.run(path);
  }

  put(path: BytePath, stamp: FileStamp): void {
    if (path === '') return;
    this.#changeIn(parentPath(path));
    this.#put.run(parentPath(path), nameOf(path), stamp);
  }

  #changeIn(directory: BytePath): void {
    if (directory !== this.#forgotten) this.#forgetDigest.run(directory);
    this.#forgotten = directory;
  }

  /** To be told of a directory once no stamp in it will change any more, and all of them are known. */
  putDigests(digests: Iterable<readonly [BytePath, Digest]>): void {
    const put = this.#database.prepare('INSERT OR REPLACE INTO digests (directory, digest) VALUES (?, ?)');
    for (const [directory, digest] of digests) put.run(directory, digest);
    this.#forgotten = null;
  }

  /** The next look is at everything. */
  forgetDigests(): void {
    this.#database.exec('DELETE FROM digests');
  }

  /** From now on it mirrors this root catalog, with all catalogs below it. */
  commit(root: string, catalogs: ReadonlyMap<BytePath, KnownCatalog>): void {
    const before = this.#catalogs ?? this.catalogs();
    const forget = this.#database.prepare('DELETE FROM catalogs WHERE path = ?');
    for (const path of before.keys()) if (!catalogs.has(path)) forget.run(path);
    const put = this.#database.prepare('INSERT OR REPLACE INTO catalogs (path, hash, size, total) VALUES (?, ?, ?, ?)');
    for (const [path, known] of catalogs)
      if (before.get(path) !== known) put.run(path, known.hash, known.sizeBytes, JSON.stringify(known.total));
    this.#database.exec('DELETE FROM meta');
    this.#database.prepare('INSERT INTO meta (root) VALUES (?)').run(root);
    this.#database.exec('COMMIT');
    this.#catalogs = null;
  }

  rollback(): void {
    if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
  }

  /** Forgets everything. */
  clear(): void {
    this.#catalogs = null;
    this.#database.exec('DELETE FROM entries; DELETE FROM digests; DELETE FROM catalogs; DELETE FROM meta');
  }

  close(): void {
    this.#database.close();
  }
}

function readCounters(text: string): Counters {
  const values = new Map<string, unknown>(Object.entries(parsed(text)));
  const counters: Record<(typeof COUNTERS)[number], number> = { ...NO_COUNTS };
  for (const name of COUNTERS) counters[name] = Number(values.get(name));
  return counters;
}

function parsed(text: string): object {
  try {
    return Object(JSON.parse(text));
  } catch (error) {
    throw new DamagedIndex(`"${text}" in it are no counters`, { cause: error });
  }
}

/** What is in the index cannot be. */
class DamagedIndex extends Error {}

/** SQLite's codes for a file that is damaged, and for one that is no database (https://sqlite.org/rescode.html). */
const DAMAGED = [11, 26];

function isDamage(error: unknown): error is Error {
  if (error instanceof DamagedIndex) return true;
  return error instanceof Error && 'errcode' in error && DAMAGED.includes(Number(error.errcode) & 0xff);
}

/**
 * Does work in which the index is opened, used and closed. Where the index proves damaged on the way it is removed, and the
 * work done once more from its beginning, which it must bear.
 */
export async function despiteDamage<T>(
  { say }: Pick<Context, 'say'>,
  paths: RepositoryPaths,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isDamage(error)) throw error;
    say(`Warning: ${paths.mountIndex} is damaged (${error.message}): it is made anew, everything is looked at`);
    removeIndex(paths);
    return work();
  }
}

function removeIndex(paths: RepositoryPaths): void {
  for (const suffix of ['', '-journal']) rmSync(`${paths.mountIndex}${suffix}`, { force: true });
}

/** Opens the index, or an empty one where there is none that can be read. */
export function openMountIndex(paths: RepositoryPaths): MountIndex {
  try {
    return readable(paths);
  } catch {
    removeIndex(paths);
    return new MountIndex(paths.mountIndex);
  }
}

function readable(paths: RepositoryPaths): MountIndex {
  const index = new MountIndex(paths.mountIndex);
  try {
    index.root();
    return index;
  } catch (error) {
    index.close();
    throw error;
  }
}
