import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openDatabase } from '../db/database.ts';
import { makePrivate, privately } from './privacy.ts';

let folder: string;
let told: string[];
const log = { info: () => {}, warn: (_fields: object, text: string) => void told.push(text), error: () => {} };
const modeOf = (...path: readonly string[]) => (statSync(join(folder, ...path)).mode & 0o777).toString(8);
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'icefall-privacy-'));
  told = [];
});
afterEach(() => rmSync(folder, { recursive: true }));

test("a state folder that is made is its user's alone, with all that is in the database, and nothing is told", () => {
  const before = process.umask(0o022);
  try {
    makePrivate(join(folder, 'site', 'master'), log);
    const path = join(folder, 'site', 'master', 'icefall.db');
    const database = privately(() => openDatabase(path));
    expect(process.umask()).toBe(0o022);
    expect(['', 'icefall.db', 'icefall.db-wal', 'icefall.db-shm'].map((name) => modeOf('site/master', name))).toEqual([
      ...['700', '600', '600', '600'],
    ]);
    database.close();
    makePrivate(join(folder, 'site', 'master'), log);
    expect(told).toEqual([]);
  } finally {
    process.umask(before);
  }
});

test('an older one that others could open is closed to them, and what it was is told, once', () => {
  const state = join(folder, 'master');
  mkdirSync(state);
  chmodSync(state, 0o755);
  writeFileSync(join(state, 'icefall.db'), '');
  chmodSync(join(state, 'icefall.db'), 0o644);
  makePrivate(state, log);
  expect([modeOf('master'), modeOf('master/icefall.db')]).toEqual(['700', '600']);
  expect(told).toEqual([
    expect.stringMatching(/master had the mode 0755, .*closed to them now: change what they may have read/),
    expect.stringMatching(/icefall\.db had the mode 0644/),
  ]);
  makePrivate(state, log);
  expect(told).toHaveLength(2);
});
