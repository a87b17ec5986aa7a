import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Database, openDatabase } from '../db/database.ts';
import { Core } from './core.ts';
import { VirtualClock } from './virtual-clock.ts';

const quiet = { info: () => {}, warn: () => {}, error: () => {} };
const FULL = 2;
const NORMAL = 1;
let directory: string;
let database: Database;
let core: Core;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'icefall-core-'));
  database = openDatabase(join(directory, 'icefall.db'));
  core = new Core({ database, clock: new VirtualClock(), random: { next: () => 0.5 }, log: quiet });
});
afterEach(() => {
  database.close();
  rmSync(directory, { recursive: true });
});
const synchronous = () => database.pragma('synchronous', { simple: true });

test('numbers of events that a loss of power took away do not come again', () => {
  const touch = (by: Core) => by.turn(() => by.touch('worker', 'w1'));
  touch(core);
  const seen = core.seq + 1;
  const ports = { database, clock: new VirtualClock(), random: { next: () => 0.5 }, log: quiet };
  const restarted = new Core(ports);
  expect(restarted.seq).toBe(core.seq);
  touch(restarted);
  expect(restarted.seq).toBeGreaterThan(seen);
});

describe('a turn', () => {
  test('syncs the disk, also after one that need not', () => {
    expect(core.repeatableTurn(synchronous)).toBe(NORMAL);
    expect(core.turn(synchronous)).toBe(FULL);
  });

  test('that can be repeated is a part of the one around it', () => {
    expect(core.turn(() => core.repeatableTurn(synchronous))).toBe(FULL);
  });

  test('that can be repeated is on record, and told, when it ends', () => {
    const told: string[] = [];
    core.committed.on((touched) => told.push(...touched.map(({ key }) => key)));
    core.repeatableTurn(() => core.touch('worker', 'w1'));
    const other = openDatabase(join(directory, 'icefall.db'));
    expect(other.prepare('SELECT key FROM events').all()).toEqual([{ key: 'w1' }]);
    other.close();
    expect(told).toEqual(['w1']);
  });

  test('is refused while the file of the database is not where it was, and an alarm says so', () => {
    const [file, elsewhere] = [join(directory, 'icefall.db'), join(directory, 'elsewhere.db')];
    const touch = () => core.turn(() => core.touch('worker', 'w1'));
    renameSync(file, elsewhere);
    expect(touch).toThrow(/was moved, removed or replaced/);
    writeFileSync(file, 'another');
    expect(touch).toThrow(/was moved, removed or replaced/);
    expect(core.alarms.all).toMatchObject([
      { kind: 'storageUnavailable', message: expect.stringContaining('put that') },
    ]);
    renameSync(elsewhere, file);
    touch();
    expect([core.alarms.all, database.prepare('SELECT key FROM events').all()]).toEqual([[], [{ key: 'w1' }]]);
  });

  test('does all of its effects, and is done, even if one of them fails', () => {
    const done: string[] = [];
    const result = core.turn(() => {
      core.afterCommit(() => {
        throw new Error('no');
      });
      core.afterCommit(() => done.push('second'));
      return 'answer';
    });
    expect([result, done]).toEqual(['answer', ['second']]);
  });

  test('that throws leaves nothing behind, and the next one goes on', () => {
    const failing = () =>
      core.turn(() => {
        core.touch('worker', 'w1');
        throw new Error('no');
      });
    expect(failing).toThrow('no');
    core.turn(() => core.touch('worker', 'w2'));
    expect(database.prepare('SELECT key FROM events').all()).toEqual([{ key: 'w2' }]);
  });
});
