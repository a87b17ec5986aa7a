import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { type BytePath, parentPath } from '../byte-path.ts';
import { hashBytes } from '../objects/hashes.ts';
import { type CatalogCounts, COUNTERS, type Counters, NO_COUNTS } from './counters.ts';
import type { CatalogEntry, Chunk } from './entry.ts';
import {
  bytes,
  hexadecimal,
  imageOf,
  integer,
  loadDatabase,
  newDatabase,
  type Row,
  toText,
} from './memory-database.ts';
import { hashPath } from './path-hash.ts';
import { COLUMNS, fromRow, hashOfRow, LINK_GROUP, toValues } from './rows.ts';
import { CATALOG_TABLES, FLAGS, SCHEMA, SCHEMA_REVISION } from './schema.ts';
import { upgradeCatalog } from './upgrade.ts';

/** Where a nested catalog is. */
export interface CatalogReference {
  readonly hash: string;
  /** Of the database, not compressed. */
  readonly sizeBytes: number;
}

/**
 * Puts a row. One that is there keeps its number (`rowid`): clients make inodes of them, and set aside as many as the
 * highest number in a catalog.
 */
const PUT = `INSERT INTO catalog (md5path_1, md5path_2, parent_1, parent_2, hardlinks, hash, size, mode, mtime, mtimens,
  flags, name, symlink, uid, gid, xattr)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, CAST(? AS TEXT), CAST(? AS TEXT), ?, ?, ?)
  ON CONFLICT (md5path_1, md5path_2) DO UPDATE SET hardlinks = excluded.hardlinks, hash = excluded.hash,
  size = excluded.size, mode = excluded.mode, mtime = excluded.mtime, mtimens = excluded.mtimens, flags = excluded.flags,
  symlink = excluded.symlink, uid = excluded.uid, gid = excluded.gid, xattr = excluded.xattr`;

/** Rows are numbered anew where more than this share of the numbers is unused, as the stock tools do. */
const MAX_UNUSED_ROW_NUMBERS = 0.25;
const RENUMBER = `
CREATE TEMPORARY TABLE numbered AS SELECT * FROM catalog ORDER BY rowid;
DELETE FROM catalog;
INSERT INTO catalog SELECT * FROM numbered ORDER BY rowid;
DROP TABLE numbered;
`;

/**
 * One file catalog: the SQLite database that lists the names below one directory, down to where nested catalogs begin
 * (CernVM-FS technical documentation, "File Catalog" and "Nested Catalogs"). It is in memory, from {@link createCatalog}
 * or {@link loadCatalog}, and to be closed.
 */
export class Catalog {
  /** The directory whose tree it lists; the root catalog's is the empty path. */
  readonly mountpoint: BytePath;
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  /** False: there are no chunks to be removed; null: nobody has looked. */
  #hasChunks: boolean | null = null;
  constructor(mountpoint: BytePath, database: DatabaseSync) {
    this.mountpoint = mountpoint;
    this.#database = database;
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  /** The entry of a path that this catalog lists, its own directory included. */
  lookup(path: BytePath): CatalogEntry | null {
    const key = hashPath(path);
    const row = this.#prepare(`SELECT ${COLUMNS} FROM catalog WHERE md5path_1 = ? AND md5path_2 = ?`).get(
      key.first,
      key.second,
    );
    if (row === undefined) return null;
    return fromRow(row, path === '' ? null : parentPath(path), (of) => this.#chunksOf(of));
  }

  /** What is in a directory that this catalog lists; nothing for one where a nested catalog begins. */
  list(directory: BytePath): CatalogEntry[] {
    const key = hashPath(directory);
    const statement = this.#prepare(`SELECT ${COLUMNS} FROM catalog WHERE parent_1 = ? AND parent_2 = ?`);
    const rows: Row[] = statement.all(key.first, key.second);
    return rows.map((row) => fromRow(row, directory, (of) => this.#chunksOf(of)));
  }

  #chunksOf(path: BytePath): Chunk[] {
    const key = hashPath(path);
    const rows = this.#prepare(
      'SELECT offset, size, hash FROM chunks WHERE md5path_1 = ? AND md5path_2 = ? ORDER BY offset',
    ).all(key.first, key.second);
    return rows.map((row) => ({
      offset: integer(row.offset),
      sizeBytes: integer(row.size),
      hash: hexadecimal(row.hash) ?? '',
    }));
  }

  /** Adds an entry, or replaces what the path has. */
  put(entry: CatalogEntry): void {
    this.#removeChunks(entry.path);
    this.#prepare(PUT).run(...toValues(entry));
    if (entry.chunks.length === 0) return;
    this.#hasChunks = true;
    const key = hashPath(entry.path);
    const insert = this.#prepare(
      'INSERT INTO chunks (md5path_1, md5path_2, offset, size, hash) VALUES (?, ?, ?, ?, ?)',
    );
    for (const { offset, sizeBytes, hash } of entry.chunks)
      insert.run(key.first, key.second, offset, sizeBytes, hashBytes(hash));
  }

  /** Removes one entry; what is in a directory is not removed with it. */
  remove(path: BytePath): void {
    this.#removeChunks(path);
    const key = hashPath(path);
    this.#prepare('DELETE FROM catalog WHERE md5path_1 = ? AND md5path_2 = ?').run(key.first, key.second);
  }

  #removeChunks(path: BytePath): void {
    this.#hasChunks ??= this.#prepare('SELECT 1 FROM chunks LIMIT 1').get() !== undefined;
    if (!this.#hasChunks) return;
    const key = hashPath(path);
    this.#prepare('DELETE FROM chunks WHERE md5path_1 = ? AND md5path_2 = ?').run(key.first, key.second);
  }

  /** The objects with the content of the files that it lists, as hash and suffix. */
  *objects(): Generator<readonly [hash: string, suffix: '' | 'P']> {
    for (const row of this.#prepare('SELECT DISTINCT hash, flags FROM catalog WHERE hash IS NOT NULL').iterate())
      yield [hashOfRow(row) ?? '', ''];
    const ofChunks = 'SELECT DISTINCT chunks.hash AS hash, flags FROM chunks JOIN catalog USING (md5path_1, md5path_2)';
    for (const row of this.#prepare(ofChunks).iterate()) yield [hashOfRow(row) ?? '', 'P'];
  }

  /** The catalogs that begin directly below this one, by their directories. */
  nested(): Map<BytePath, CatalogReference> {
    const rows = this.#prepare('SELECT CAST(path AS BLOB) AS path, sha1, size FROM nested_catalogs').all();
    return new Map(
      rows.map((row) => [bytes(row.path).slice(1), { hash: bytes(row.sha1), sizeBytes: integer(row.size) }]),
    );
  }

  setNested(path: BytePath, { hash, sizeBytes }: CatalogReference): void {
    this.#prepare('INSERT OR REPLACE INTO nested_catalogs (path, sha1, size) VALUES (CAST(? AS TEXT), ?, ?)').run(
      toText(`/${path}`),
      hash,
      sizeBytes,
    );
  }

  removeNested(path: BytePath): void {
    this.#prepare('DELETE FROM nested_catalogs WHERE path = CAST(? AS TEXT)').run(toText(`/${path}`));
  }

  /** The largest number of a group of hard links; 0 where there is none. */
  lastLinkGroup(): number {
    return integer(this.#prepare(`SELECT max(${LINK_GROUP}) AS last FROM catalog`).get()?.last);
  }

  /** A property (`schema`, `revision`, `root_prefix`, …); null where it is not set. */
  property(key: string): string | null {
    const row = this.#prepare('SELECT CAST(value AS BLOB) AS value FROM properties WHERE key = ?').get(key);
    return row === undefined ? null : bytes(row.value);
  }

  /** Properties are text of any bytes. */
  setProperty(key: string, value: string): void {
    this.#prepare('INSERT OR REPLACE INTO properties (key, value) VALUES (?, CAST(? AS TEXT))').run(key, toText(value));
  }

  /** Counts the rows. */
  countSelf(): Counters {
    const sum = (condition: string) => `coalesce(sum(${condition}), 0)`;
    const isRegular = `(flags & ${FLAGS.file | FLAGS.symlink | FLAGS.special}) = ${FLAGS.file}`;
    const row = this.#prepare(
      `SELECT ${sum(`(flags & ${FLAGS.directory}) <> 0`)} AS dir, ${sum(`(flags & ${FLAGS.symlink}) <> 0`)} AS symlink,
       ${sum(isRegular)} AS regular, ${sum(`(${isRegular}) * size`)} AS file_size,
       ${sum(`(flags & ${FLAGS.chunked}) <> 0`)} AS chunked, ${sum(`((flags & ${FLAGS.chunked}) <> 0) * size`)} AS chunked_size,
       ${sum(`(flags & ${FLAGS.special}) <> 0`)} AS special, ${sum('xattr IS NOT NULL')} AS xattr,
       (SELECT count(*) FROM chunks) AS chunks, (SELECT count(*) FROM nested_catalogs) AS nested FROM catalog`,
    ).get();
    const counters: Record<(typeof COUNTERS)[number], number> = { ...NO_COUNTS };
    for (const name of COUNTERS) counters[name] = integer(row?.[name]);
    return counters;
  }

  /** The counts that are written in it. */
  counts(): CatalogCounts {
    const rows = this.#prepare('SELECT counter, value FROM statistics').all();
    const values = new Map(rows.map((row) => [bytes(row.counter), integer(row.value)]));
    const read = (prefix: string): Counters => {
      const counters: Record<(typeof COUNTERS)[number], number> = { ...NO_COUNTS };
      for (const name of COUNTERS) counters[name] = values.get(`${prefix}_${name}`) ?? 0;
      return counters;
    };
    return { self: read('self'), subtree: read('subtree') };
  }

  setCounts(counts: CatalogCounts): void {
    const set = this.#prepare('INSERT OR REPLACE INTO statistics (counter, value) VALUES (?, ?)');
    for (const name of COUNTERS) set.run(`self_${name}`, counts.self[name]);
    for (const name of COUNTERS) set.run(`subtree_${name}`, counts.subtree[name]);
  }

  /** The database's bytes, to be stored as an object. */
  image(): Uint8Array {
    const row = this.#prepare('SELECT 1.0 - count(*) / CAST(max(rowid) AS REAL) AS unused FROM catalog').get();
    if (Number(row?.unused) > MAX_UNUSED_ROW_NUMBERS) this.#database.exec(RENUMBER);
    return imageOf(this.#database);
  }

  close(): void {
    this.#database.close();
  }
}

/** A new catalog with revision 0 and no entries. Only nested ones have a `root_prefix`. */
export function createCatalog(mountpoint: BytePath): Catalog {
  const catalog = new Catalog(mountpoint, newDatabase(CATALOG_TABLES));
  catalog.setProperty('schema', SCHEMA);
  catalog.setProperty('schema_revision', SCHEMA_REVISION);
  catalog.setProperty('revision', '0');
  if (mountpoint !== '') catalog.setProperty('root_prefix', `/${mountpoint}`);
  return catalog;
}

/** A catalog from its database's bytes; `what` names it. Throws `damaged_object`. */
export function loadCatalog(mountpoint: BytePath, image: Uint8Array, what: string): Catalog {
  return new Catalog(
    mountpoint,
    loadDatabase(image, what, (database) => upgradeCatalog(database, what)),
  );
}
