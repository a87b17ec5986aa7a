import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { builder, factory } from '../config/builders.ts';
import { worker } from '../config/workers.ts';
import { openDatabase } from '../db/database.ts';
import { SimulatedSite } from '../simulation/simulated-site.ts';
import { programs, run, siteWith } from '../simulation/test-language.ts';
import { type BackupOptions, makeBackup } from './backup.ts';
import { logFiles } from './places.ts';
import { restoreBackup } from './restore.ts';
import { verifyState } from './verify/verify.ts';

/** More text than a small log has: a file of its own. */
const LINES = Array.from({ length: 40 }, (_, i) => `line ${i} ${'x'.repeat(1000)}`);
const HOUR = 3_600_000;
const w1 = worker({ name: 'w1', maxBuilds: 3 });
const site = siteWith({
  workers: [w1],
  builders: [builder({ name: 'talks', workers: [w1], factory: factory([run('talk'), run('after')]) })],
});
const work = programs({ talk: { durationMs: 10_000, lines: LINES }, after: { durationMs: 500, lines: ['done'] } });
const signal = new AbortController().signal;

let ground: string;
let sim: SimulatedSite;
beforeEach(() => {
  ground = mkdtempSync(join(tmpdir(), 'icefall-backup-'));
  sim = new SimulatedSite({ site, work, isOnDisk: true, below: ground }).connectAll();
});
afterEach(() => {
  sim[Symbol.dispose]();
  rmSync(ground, { recursive: true });
});

const backup = (name: string, more: Partial<BackupOptions> = {}) =>
  makeBackup({
    ...{ directory: sim.directory, target: join(ground, name), base: null, copy: false },
    ...{ now: () => sim.clock.now(), signal, progress: () => {}, ...more },
  });
const restore = (name: string, directory = join(ground, 'restored')) =>
  restoreBackup({ backup: join(ground, name), directory, now: () => sim.clock.now(), signal, progress: () => {} });
const findings = async (directory: string) => (await verifyState({ directory, signal, progress: () => {} })).findings;
const damages = async (directory: string) => (await findings(directory)).filter((one) => one.severity === 'damage');
const logOf = (of: SimulatedSite, buildId: number) => {
  const id = of.master.logs.ofStep(buildId, 0)[0]?.id ?? 0;
  return [...of.master.logs.raw(id)].map(String).join('').trimEnd().split('\n');
};

describe('a backup', () => {
  test('of a master that works meanwhile is of one moment, and every build that had ended has its whole log', async () => {
    const load = () => {
      sim.request(['talks']);
      sim.run(1500);
    };
    for (let i = 0; i < 12; i += 1) load();
    await sim.master.logs.settled();
    const atStart = sim.master.core.seq;
    const manifest = await backup('one', { progress: load });
    expect(sim.master.core.seq).toBeGreaterThan(manifest.seq);
    expect(manifest).toMatchObject({ seq: atStart, missing: [] });
    expect(manifest.logFiles).toBeGreaterThan(2);
    expect(await damages(join(ground, 'one'))).toEqual([]);

    await restore('one');
    using again = new SimulatedSite({
      ...{ site, work, isOnDisk: true, directory: join(ground, 'restored'), startMs: sim.clock.now() },
    });
    const ended = again.master.core.db.all<{ id: number; result: string }>(
      "SELECT id, result FROM builds WHERE state = 'finished'",
    );
    expect(ended.length).toBeGreaterThan(2);
    for (const { id, result } of ended) {
      expect(result).toBe('SUCCESS');
      expect(logOf(again, id)).toEqual(LINES);
    }
    // And it goes on: what it believed to run is lost with the worker that ran it, and is made again.
    again.connectAll().run(3 * HOUR);
    const results = again.master.core.db.all('SELECT DISTINCT result FROM requests');
    expect(results).toEqual([{ result: 'SUCCESS' }]);
    await again.master.logs.settled();
    expect(await findings(again.directory)).toEqual([]);
  });

  test('that is restored gives no epoch and no number of an event a second time', async () => {
    sim.request(['talks']);
    sim.run(60_000);
    await backup('one');
    sim.request(['talks']);
    sim.run(60_000);
    const epochs = () => sim.master.core.db.all<{ epoch: number }>('SELECT epoch FROM builds ORDER BY id');
    const lost = { epoch: epochs().at(-1)?.epoch ?? 0, seq: sim.master.core.seq };
    await restore('one');
    using again = new SimulatedSite({
      ...{ site, work, isOnDisk: true, directory: join(ground, 'restored'), startMs: sim.clock.now() },
    });
    again.connectAll().request(['talks']);
    again.run(60_000);
    const [row] = again.master.core.db.all<{ epoch: number }>('SELECT epoch FROM builds WHERE id = 2');
    expect(row?.epoch).toBeGreaterThan(lost.epoch);
    expect(again.master.core.db.one('SELECT 1 FROM events WHERE seq = ?', lost.seq)).toBeNull();
    expect(again.master.core.seq).toBeGreaterThan(lost.seq);
  });

  test('shares the files of complete logs, and has bytes of its own where that is wished', async () => {
    sim.request(['talks']);
    sim.run(60_000);
    await sim.master.logs.settled();
    await backup('linked');
    await backup('copied', { copy: true });
    const path = join('logs', '0', '1', '0.0.log');
    const inode = (folder: string) => statSync(join(folder, path)).ino;
    expect(inode(join(ground, 'linked'))).toBe(inode(sim.directory));
    expect(inode(join(ground, 'copied'))).not.toBe(inode(sim.directory));
    await backup('incremental', { base: join(ground, 'copied') });
    expect(await damages(join(ground, 'copied'))).toEqual([]);
  });

  test('that is interrupted leaves nothing behind', async () => {
    const stop = new AbortController();
    sim.request(['talks']);
    sim.run(60_000);
    await expect(backup('one', { signal: stop.signal, progress: () => stop.abort() })).rejects.toThrow('abort');
    expect(readdirSync(ground).filter((name) => name.startsWith('one'))).toEqual([]);
  });

  test('goes over nothing that is there, neither when it is made nor when it is put back', async () => {
    await backup('one');
    await expect(backup('one')).rejects.toThrow('exists already');
    await expect(restore('one', sim.directory)).rejects.toThrow('not empty');
  });

  test('that is not whole is not put back', async () => {
    await backup('one');
    rmSync(join(ground, 'one', 'backup.json'));
    await expect(restore('one')).rejects.toThrow(/is no backup: there is no .*backup\.json/);
    await backup('two');
    truncateSync(join(ground, 'two', 'icefall.db'), 20_000);
    await expect(restore('two')).rejects.toThrow('take another backup');
    expect(existsSync(join(ground, 'restored'))).toBe(false);
  });

  test('of a master with a missing log says so, and has the others', async () => {
    sim.request(['talks']);
    sim.run(60_000);
    rmSync(join(sim.directory, 'logs', '0', '1', '0.0.log'));
    expect((await backup('one')).missing).toEqual([join('logs', '0', '1', '0.0.log')]);
  });
});

/** Number of the page where the rows of a table begin to be found. */
function rootPage(path: string, table: string): number {
  const opened = openDatabase(path);
  const row = opened
    .prepare<[string], { rootpage: number }>('SELECT rootpage FROM sqlite_master WHERE name = ?')
    .get(table);
  opened.close();
  return row?.rootpage ?? 0;
}

describe('verify', () => {
  beforeEach(async () => {
    sim.request(['talks']);
    sim.run(60_000);
    await sim.master.logs.settled();
  });
  const path = join('logs', '0', '1', '0.0.log');
  const file = () => join(sim.directory, path);
  const only = async () =>
    (await findings(sim.directory)).map(({ severity, place, message }) => [severity, place, message]);

  test('finds nothing in what a master has left, stopped or running', async () => {
    sim.request(['talks']);
    sim.run(5000);
    expect(await findings(sim.directory)).toEqual([]);
    sim.killMaster();
    expect(await findings(sim.directory)).toEqual([]);
  });

  test.each([
    ['is missing', () => rmSync(file()), 'it is missing'],
    ['was cut', () => truncateSync(file(), 1000), 'it has no index at its end'],
    ['has a byte that was changed', () => flip(file(), 60), 'cannot be decompressed'],
    ['is another one', () => writeFileSync(file(), 'something'), 'has no index at its end'],
  ])('finds a log file that %s', async (_what, harm, message) => {
    harm();
    expect(await only()).toEqual([['damage', path, expect.stringContaining(message)]]);
  });

  test('finds a row that does not fit its log', async () => {
    sim.master.core.db.run('UPDATE logs SET lines = lines + 1 WHERE id = 1');
    expect(await only()).toEqual([['damage', path, expect.stringContaining('41 lines')]]);
  });

  test('tells what lies about, which is no damage', async () => {
    writeFileSync(join(sim.directory, 'logs', '0', '1', '7.0.log'), '');
    writeFileSync(join(sim.directory, 'logs', 'notes'), '');
    writeFileSync(join(sim.directory, 'logs', '0', '1', 'core'), '');
    expect((await findings(sim.directory)).map(({ severity }) => severity)).toEqual(['leftover', 'leftover']);
  });

  test.each([
    ["UPDATE requests SET state = 'building', result = NULL, finished_at = NULL WHERE id = 1", 'requests 1'],
    ['UPDATE builds SET result = NULL WHERE id = 1', 'builds 1'],
    ["UPDATE steps SET state = 'running', result = NULL WHERE number = 1", 'steps 1.1'],
    ['UPDATE buildsets SET finished_at = NULL, result = NULL', 'buildsets 1'],
    [
      `INSERT INTO commands (build_id, step_number, epoch, worker, state, label, command)
       VALUES (1, 0, 1, 'w1', 'sent', 'x', '{}')`,
      'commands 3',
    ],
    [
      `INSERT INTO lock_claims (holder, lock, mode, count, seq, queued_at) VALUES ('build:1', 'l', 'counting', 1, 1, 1)`,
      'lock_claims 1 (l for build:1)',
    ],
    ['UPDATE builds SET holds_slot = 1', 'builds 1'],
    ['DELETE FROM steps WHERE number = 1', 'logs 2'],
  ])('finds rows that contradict each other: %s', async (sql, place) => {
    sim.master.core.db.run(sql);
    expect((await findings(sim.directory)).map((finding) => finding.place)).toContain(place);
  });

  test('finds a damaged database, and looks no further', async () => {
    for (let i = 0; i < 200; i += 1) sim.request(['talks']);
    await backup('one');
    const database = join(ground, 'one', 'icefall.db');
    const root = rootPage(database, 'requests');
    const bytes = readFileSync(database);
    bytes.fill(0xff, (root - 1) * 4096, root * 4096);
    writeFileSync(database, bytes);
    const found = await findings(join(ground, 'one'));
    expect(found.length).toBeGreaterThan(0);
    expect(new Set(found.map(({ severity, place }) => `${severity} ${place}`))).toEqual(new Set(['damage icefall.db']));
  });

  test('says what to do with a file that is no database', async () => {
    await backup('one');
    writeFileSync(join(ground, 'one', 'icefall.db'), 'x'.repeat(10_000));
    await expect(findings(join(ground, 'one'))).rejects.toThrow('icefall restore');
    await expect(findings(ground)).rejects.toThrow(`is ${ground} a master's state?`);
  });
});

function flip(path: string, at: number): void {
  const bytes = readFileSync(path);
  bytes[at] = (bytes[at] ?? 0) ^ 0xff;
  writeFileSync(path, bytes);
}

test('files among the logs are told by their names', () => {
  sim.request(['talks']);
  sim.run(3000);
  expect([...logFiles(sim.directory)]).toContainEqual({
    path: join('logs', '0', '1', '0.journal'),
    buildId: 1,
    stepNumber: 0,
    stream: null,
  });
});
