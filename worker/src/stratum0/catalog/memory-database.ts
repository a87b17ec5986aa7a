import { DatabaseSync, type SQLInputValue, type SQLOutputValue } from 'node:sqlite';
import { type BytePath, isAscii, toBytes } from '../byte-path.ts';
import { Stratum0Error } from '../errors.ts';
import { PAGE_BYTES } from './schema.ts';

declare module 'node:sqlite' {
  // Of Node 24; not yet in its type declarations.
  interface DatabaseSync {
    serialize(): Uint8Array;
    deserialize(image: Uint8Array): void;
  }
}

export type Row = Record<string, SQLOutputValue>;

/** Free pages beyond this share of a database are given up before it is stored, as the stock tools do. */
const MAX_FREE_SHARE = 0.2;

/** An empty database in memory, with pages as the stock tools have them. Foreign keys are for readers to rely on only. */
export function newDatabase(tables: string): DatabaseSync {
  const database = new DatabaseSync(':memory:', { enableForeignKeyConstraints: false });
  database.exec(
    `PRAGMA page_size = ${PAGE_BYTES}; PRAGMA journal_mode = OFF; PRAGMA temp_store = MEMORY; BEGIN; ${tables}; COMMIT; BEGIN`,
  );
  return database;
}

/**
 * A database from its file's bytes, once `prepare` has made it ready. Throws `damaged_object`; `what` names it.
 */
export function loadDatabase(
  image: Uint8Array,
  what: string,
  prepare: (database: DatabaseSync) => void = () => {},
): DatabaseSync {
  const database = new DatabaseSync(':memory:', { enableForeignKeyConstraints: false });
  try {
    database.deserialize(withoutLog(image));
    database.exec('PRAGMA journal_mode = OFF; PRAGMA temp_store = MEMORY; BEGIN');
    database.prepare('SELECT count(*) FROM sqlite_master').get();
    prepare(database);
    return database;
  } catch (error) {
    database.close();
    if (error instanceof Stratum0Error) throw error;
    throw new Stratum0Error('damaged_object', `${what} is not a database: ${String(error)}`);
  }
}

/** Where a database's header says how it is journaled (https://sqlite.org/fileformat.html), and how with a write-ahead log. */
const JOURNAL_BYTES = [18, 19] as const;
const WRITE_AHEAD_LOG = 2;

/**
 * A file that was written with a write-ahead log, as later stock tools do, says so for ever: one in memory cannot have a log,
 * and would not be read.
 */
function withoutLog(image: Uint8Array): Uint8Array {
  if (!JOURNAL_BYTES.some((at) => image[at] === WRITE_AHEAD_LOG)) return image;
  const copy = Uint8Array.from(image);
  for (const at of JOURNAL_BYTES) copy[at] = 1;
  return copy;
}

/** Ends the running transaction and gives the file's bytes. */
export function imageOf(database: DatabaseSync): Uint8Array {
  database.exec('COMMIT');
  const free = integer(pragma(database, 'freelist_count'));
  if (free > MAX_FREE_SHARE * integer(pragma(database, 'page_count'))) database.exec('VACUUM');
  const image = database.serialize();
  database.exec('BEGIN');
  return image;
}

function pragma(database: DatabaseSync, name: string): SQLOutputValue | undefined {
  return Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0];
}

/** A column's value as a number; null counts as 0. */
export function integer(value: SQLOutputValue | undefined): number {
  if (value === null || value === undefined) return 0;
  if (typeof value === 'number' || typeof value === 'bigint') return Number(value);
  throw new Stratum0Error('damaged_object', `a number is expected in a catalog, not ${typeof value}`);
}

/** A column's bytes, one character each; null counts as empty. */
export function bytes(value: SQLOutputValue | undefined): string {
  if (value === null || value === undefined) return '';
  if (value instanceof Uint8Array)
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('latin1');
  return String(value);
}

/** A hash column as hexadecimal; null where there is none. */
export function hexadecimal(value: SQLOutputValue | undefined): string | null {
  if (!(value instanceof Uint8Array) || value.byteLength === 0) return null;
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex');
}

/** For `CAST(? AS TEXT)`: text of any bytes. */
export function toText(text: BytePath): SQLInputValue {
  return isAscii(text) ? text : toBytes(text);
}
