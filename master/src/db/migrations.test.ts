import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { checkDatabase } from '../storage/verify/database-checks.ts';
import { checkState } from '../storage/verify/state-checks.ts';
import { type Database, migrate, openDatabase, SCHEMA_VERSION } from './database.ts';

// Before the first release a migration may still be edited, the first one too; afterwards they are as they were
// released, and what changes gets a number of its own. Every migration has a fixture of the same number: rows, as SQL
// text, for the tables and columns that it adds. A database "of version N" holds the fixtures 1 to N.
const FIXTURES = new URL('./fixtures/', import.meta.url);
const VERSIONS = Array.from({ length: SCHEMA_VERSION }, (_, i) => i + 1);
const fixtureOf = (version: number) => new URL(`${String(version).padStart(4, '0')}.sql`, FIXTURES);

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'icefall-migrations-'));
  path = join(directory, 'icefall.db');
});
afterEach(() => rmSync(directory, { recursive: true }));

/** A database as a master of that version has left it. */
function databaseOf(version: number): void {
  const db = new Sqlite(path);
  db.pragma('journal_mode = WAL');
  db.pragma('foreign_keys = ON');
  for (const step of VERSIONS.slice(0, version)) {
    migrate(db, path, step);
    db.exec(readFileSync(fixtureOf(step), 'utf8'));
  }
  db.close();
}

function tablesOf(db: Database): string[] {
  return db
    .prepare<[], { name: string }>("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    .all()
    .map(({ name }) => name);
}

/** Columns of every table. */
function shapeOf(db: Database): Map<string, string[]> {
  const columns = db.prepare<[string], { name: string }>('SELECT name FROM pragma_table_info(?)');
  return new Map(tablesOf(db).map((table) => [table, columns.all(table).map(({ name }) => name)]));
}

function rowsOf(db: Database, shape: ReadonlyMap<string, readonly string[]>): Record<string, unknown[]> {
  const select = (table: string, columns: readonly string[]) =>
    db.prepare(`SELECT ${columns.join(', ')} FROM ${table} ORDER BY 1, 2`).all();
  return Object.fromEntries([...shape].map(([table, columns]) => [table, select(table, columns)]));
}

/** What the schema is, whatever way led to it. */
function schemaOf(db: Database): string[] {
  return db
    .prepare<[], { sql: string }>('SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL')
    .all()
    .map(({ sql }) => sql.replace(/\s+/g, ' '))
    .sort();
}

describe('the migrations', () => {
  test('have a fixture each: add master/src/db/fixtures/NNNN.sql with rows for what the migration adds', () => {
    expect(VERSIONS.filter((version) => !existsSync(fixtureOf(version)))).toEqual([]);
    expect(readdirSync(FIXTURES)).toHaveLength(SCHEMA_VERSION);
  });

  test('have fixtures with a row in every table', () => {
    databaseOf(SCHEMA_VERSION);
    const db = openDatabase(path);
    const empty = tablesOf(db).filter((table) => db.prepare(`SELECT 1 FROM ${table}`).get() === undefined);
    db.close();
    expect(empty).toEqual([]);
  });

  test.each(VERSIONS)('bring a database of version %d with data in it to the newest, and keep every row', (version) => {
    databaseOf(version);
    const old = new Sqlite(path, { readonly: true });
    const shape = shapeOf(old);
    const before = rowsOf(old, shape);
    old.close();
    const db = openDatabase(path);
    try {
      // A migration that drops or rewrites a column says here what becomes of it.
      expect(rowsOf(db, shape)).toEqual(before);
      expect(db.pragma('user_version', { simple: true })).toBe(SCHEMA_VERSION);
      expect(schemaOf(db)).toEqual(schemaOf(openDatabase(':memory:')));
      expect([...checkDatabase(db), ...checkState(db)]).toEqual([]);
    } finally {
      db.close();
    }
  });

  test('that fail leave the database as it was', () => {
    databaseOf(1);
    const other = new Sqlite(path);
    other.exec('CREATE TABLE small_logs (x)');
    other.close();
    expect(() => openDatabase(path)).toThrow('cannot be opened');
    const db = new Sqlite(path, { readonly: true });
    expect(db.pragma('user_version', { simple: true })).toBe(1);
    db.close();
  });

  test('of a newer master are not understood, and nothing is done', () => {
    const db = new Sqlite(path);
    db.pragma(`user_version = ${SCHEMA_VERSION + 1}`);
    db.close();
    expect(() => openDatabase(path)).toThrow('use the newer master');
  });
});
