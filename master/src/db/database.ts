import { readdirSync, readFileSync } from 'node:fs';
import Sqlite from 'better-sqlite3';

const MIGRATIONS = new URL('./migrations/', import.meta.url);

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
  try {
    const db = new Sqlite(path);
    db.pragma('journal_mode = WAL');
    // What a client was told is accepted survives a power cut: every commit is synced.
    db.pragma('synchronous = FULL');
    db.pragma('foreign_keys = ON');
    db.pragma('cache_size = -65536');
    migrate(db, path);
    return db;
  } catch (error) {
    if (error instanceof DatabaseError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new DatabaseError(`the database ${path} cannot be opened: ${why}`, { cause: error });
  }
}

function migrate(db: Database, path: string): void {
  const files = readdirSync(MIGRATIONS)
    .filter((name) => name.endsWith('.sql'))
    .sort();
  const version = db.pragma('user_version', { simple: true });
  if (typeof version !== 'number' || version > files.length)
    throw new DatabaseError(
      `the database ${path} has schema ${version}, newer than this master's ${files.length}; use the newer master`,
    );
  files.slice(version).forEach((name, i) => {
    db.transaction(() => {
      db.exec(readFileSync(new URL(name, MIGRATIONS), 'utf8'));
      db.pragma(`user_version = ${version + i + 1}`);
    })();
  });
}
