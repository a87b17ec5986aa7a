import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Database, openDatabase } from '../db/database.ts';
import { Core } from '../engine/core.ts';
import { RETRY_MS } from '../engine/patience.ts';
import { VirtualClock } from '../engine/virtual-clock.ts';
import { StorageError, storageFault } from './faults.ts';

const quiet = { info() {}, warn() {}, error() {} };
let directory: string;
let database: Database;
let clock: VirtualClock;
let core: Core;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'icefall-faults-'));
  database = openDatabase(join(directory, 'icefall.db'));
  database.pragma('busy_timeout = 0');
  clock = new VirtualClock();
  core = new Core({ database, clock, random: { next: () => 0.5 }, log: quiet });
});
afterEach(() => {
  database.close();
  rmSync(directory, { recursive: true });
});

const write = (value: string) => core.db.insert('source_state', { source: 's', key: value, value });
const written = () => core.db.all<{ key: string }>('SELECT key FROM source_state').map(({ key }) => key);
/** Another program that has the database to itself. */
function lock(): Database {
  const other = new Sqlite(join(directory, 'icefall.db'));
  other.exec('BEGIN IMMEDIATE');
  return other;
}

describe('a database that another program has locked', () => {
  test('refuses a turn by name, with an alarm until a turn is on disk again', () => {
    const other = lock();
    expect(() => core.turn(() => write('one'))).toThrow(StorageError);
    expect(core.alarms.all).toEqual([
      { kind: 'storageUnavailable', message: expect.stringMatching(/icefall\.db: .*locked.*SQLITE_BUSY/), since: 0 },
    ]);
    other.close();
    core.turn(() => write('read only it was not'));
    core.turn(() => core.touch('worker', 'w1'));
    expect(core.alarms.all).toEqual([]);
  });

  test('is insisted on where something has happened that nobody tells again', () => {
    const other = lock();
    core.insist(() => write('ended'));
    expect(written()).toEqual([]);
    clock.advance(RETRY_MS);
    other.close();
    clock.advance(RETRY_MS);
    expect(written()).toEqual(['ended']);
  });
});

describe('a turn in which the storage has refused something', () => {
  test('writes nothing more and is taken back whole, though somebody caught the error', () => {
    const full = new Sqlite.SqliteError('database or disk is full', 'SQLITE_FULL');
    const turn = () =>
      core.turn(() => {
        write('before');
        try {
          throw full;
        } catch (error) {
          core.db.refuse(error);
        }
        write('after');
      });
    expect(turn).toThrow(StorageError);
    expect(written()).toEqual([]);
    core.turn(() => write('next'));
    expect(written()).toEqual(['next']);
  });
});

describe('a fault of the storage', () => {
  test.each([
    [new Sqlite.SqliteError('x', 'SQLITE_FULL'), 'full'],
    [new Sqlite.SqliteError('x', 'SQLITE_IOERR_WRITE'), 'unreadable'],
    [new Sqlite.SqliteError('x', 'SQLITE_CORRUPT_INDEX'), 'damaged'],
    [new Sqlite.SqliteError('x', 'SQLITE_READONLY_DBMOVED'), 'readOnly'],
    [Object.assign(new Error('x'), { code: 'ENOSPC' }), 'full'],
    [Object.assign(new Error('x'), { code: 'EDQUOT' }), 'full'],
    [new Sqlite.SqliteError('x', 'SQLITE_CONSTRAINT_UNIQUE'), undefined],
    [Object.assign(new Error('x'), { code: 'ENOENT' }), undefined],
    [new TypeError('x'), undefined],
    ['x', undefined],
  ])('is told from a mistake of ours: %s', (error, reason) => {
    expect(storageFault(error)?.reason).toBe(reason);
  });
});
