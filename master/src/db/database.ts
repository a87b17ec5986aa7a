import { readdirSync, readFileSync } from 'node:fs';
import Sqlite from 'better-sqlite3';
import { storageFault } from '../storage/faults.ts';

const MIGRATIONS = new URL('./migrations/', import.meta.url);
const FILES: readonly string[] = readdirSync(MIGRATIONS)
  .filter((name) => name.endsWith('.sql'))
  .sort();

/** Of a database with all migrations done: their number. */
export const SCHEMA_VERSION = FILES.length;

/** The database could not be opened or is not ours. */
export class DatabaseError extends Error {
  readonly code = 'database';
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'DatabaseError';
  }
}

/** An open database with the newest schema. One writer: the process that opened it. */
export type Database = Sqlite.Database;

/**
 * Opens a database file (`:memory:` for tests) and brings its schema up to date.
 * Throws {@link DatabaseError} for a file that is no database, is locked, or comes from a newer version.
 */
export function openDatabase(path: string): Database {
  let db: Database | null = null;
  try {
    db = new Sqlite(path);
    db.pragma('journal_mode = WAL');
    // What a client was told is accepted survives a power cut: every commit is synced.
    db.pragma('synchronous = FULL');
    db.pragma('foreign_keys = ON');
    db.pragma('cache_size = -65536');
    migrate(db, path);
    return db;
  } catch (error) {
    db?.close();
    throw error instanceof DatabaseError ? error : cannotOpen(path, error);
  }
}

function cannotOpen(path: string, error: unknown): DatabaseError {
  const why = error instanceof Error ? error.message : String(error);
  const remedy = remedyOf(error);
  return new DatabaseError(`the database ${path} cannot be opened: ${why}${remedy}`, { cause: error });
}

function remedyOf(error: unknown): string {
  switch (storageFault(error)?.reason) {
    case 'damaged':
      return '; icefall verify tells what is left, and icefall restore puts the newest backup into a folder of its own';
    case 'full':
      return '; free space on its disk, then start again';
    case 'locked':
      return '; end the other program that has it open, then start again';
    case 'readOnly':
      return '; make its disk and folder writable for this user, then start again';
    default:
      return '';
  }
}

/** Does the migrations that a database lacks, up to schema `target`. Throws {@link DatabaseError} for a newer one. */
export function migrate(db: Database, path: string, target = SCHEMA_VERSION): void {
  const version = db.pragma('user_version', { simple: true });
  if (typeof version !== 'number' || version > SCHEMA_VERSION)
    throw new DatabaseError(
      `the database ${path} has schema ${version}, newer than this master's ${SCHEMA_VERSION}; use the newer master`,
    );
  FILES.slice(version, target).forEach((name, i) => {
    db.transaction(() => {
      db.exec(readFileSync(new URL(name, MIGRATIONS), 'utf8'));
      db.pragma(`user_version = ${version + i + 1}`);
    })();
  });
}
