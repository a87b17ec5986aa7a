import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeRecord, STREAM } from '@icefall/shared';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Database, openDatabase } from '../db/database.ts';
import { Core } from '../engine/core.ts';
import { VirtualClock } from '../engine/virtual-clock.ts';
import { LogFileError } from './frame-file.ts';
import { LogStore } from './log-store.ts';

const quiet = { info: () => {}, warn: () => {}, error: () => {} };
let dir: string;
let database: Database;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'icefall-logs-'));
  database = openDatabase(':memory:');
});
afterEach(() => rmSync(dir, { recursive: true }));

function open(): { core: Core; store: LogStore } {
  const core = new Core({ database, clock: new VirtualClock(), random: { next: () => 0.5 }, log: quiet });
  return { core, store: new LogStore(core, dir) };
}
const output = (text: string, stream: number = STREAM.stdout) =>
  encodeRecord({ stream, at: 1, data: Buffer.from(text) });
const text = (store: LogStore, id: number) => [...store.raw(id)].map(String).join('');

/** Writes a log that is too large to be a small one to step 2 of build 1. */
function fill(store: LogStore): string {
  let offset = 0;
  let all = '';
  for (let i = 0; i < 300; i += 1) {
    const line = `${i} ${'x'.repeat(3000)}\n`;
    const record = output(line);
    store.append(1, 2, offset, record, []);
    offset += record.length;
    all += line;
  }
  return all;
}

describe('the log store', () => {
  test('gives the lines of a growing log', () => {
    const { store } = open();
    const first = output('one\ntwo\nthr');
    store.append(1, 0, 0, first, []);
    store.append(1, 0, first.length, output('ee\n', STREAM.stdout), []);
    const [row] = store.ofStep(1, 0);
    expect(row).toMatchObject({ name: 'stdio', complete: 0 });
    const { lines, total } = store.lines(row?.id ?? 0, 1, 10) ?? { lines: [], total: 0 };
    expect(lines.map((line) => [line.n, line.text])).toEqual([
      [1, 'two'],
      [2, 'three'],
    ]);
    expect(total).toBe(3);
    expect(store.lines(row?.id ?? 0, -1, 10)?.lines.map((line) => line.text)).toEqual(['three']);
  });

  test('gives fewer long lines at once, one at least: nobody can ask for more than there is memory', () => {
    const { store } = open();
    fill(store);
    const id = store.ofStep(1, 2)[0]?.id ?? 0;
    const numbers = (first: number, most: number) => store.lines(id, first, 300, most)?.lines.map(({ n }) => n);
    expect(numbers(0, 10_000)).toEqual([0, 1, 2]);
    expect(numbers(3, 10)).toEqual([3]);
    expect(numbers(298, 10_000)).toEqual([298, 299]);
  });

  test('keeps extra log files apart, under their names', () => {
    const { store } = open();
    const first = output('hello\n');
    store.append(1, 0, 0, first, ['config.log']);
    store.append(1, 0, first.length, output('checking\n', STREAM.firstLogFile), ['config.log']);
    const rows = store.ofStep(1, 0);
    expect(rows.map((row) => row.name)).toEqual(['stdio', 'config.log']);
    expect(rows.map((row) => text(store, row.id))).toEqual(['hello\n', 'checking\n']);
  });

  test('has every byte after the step has ended, and no journal', async () => {
    const { core, store } = open();
    const all = fill(store);
    core.turn(() => store.finish(1, 2));
    await store.settled();
    const [row] = store.ofStep(1, 2);
    expect(row).toMatchObject({ complete: 1, lines: 300, bytes: all.length });
    expect(text(store, row?.id ?? 0)).toBe(all);
    expect(store.lines(row?.id ?? 0, 299, 5)?.lines[0]?.text.slice(0, 4)).toBe('299 ');
    expect(readdirSync(join(dir, '0', '1'))).toEqual(['2.0.log']);
  });

  test('keeps a small log in the database, without a file', async () => {
    const { core, store } = open();
    store.append(1, 0, 0, output('one\ntwo\nthree'), []);
    core.turn(() => store.finish(1, 0));
    await store.settled();
    const [row] = store.ofStep(1, 0);
    expect(row).toMatchObject({ complete: 1, lines: 3, bytes: 14 });
    expect(text(store, row?.id ?? 0)).toBe('one\ntwo\nthree\n');
    expect(store.lines(row?.id ?? 0, 1, 1)?.lines.map((line) => line.text)).toEqual(['two']);
    expect(readdirSync(join(dir, '0', '1'))).toEqual([]);
  });

  test('makes the file of a complete log again where the machine failed before it was durable', async () => {
    const { core, store } = open();
    const all = fill(store);
    const [journal, file] = ['2.journal', '2.0.log'].map((name) => join(dir, '0', '1', name)) as [string, string];
    const kept = readFileSync(journal);
    core.turn(() => store.finish(1, 2));
    await store.settled();
    writeFileSync(journal, kept);
    writeFileSync(file, '');
    const again = open().store;
    const id = again.ofStep(1, 2)[0]?.id ?? 0;
    expect(text(again, id)).toBe(all);
    await again.settled();
    expect(readdirSync(join(dir, '0', '1'))).toEqual(['2.0.log']);
    expect(text(open().store, id)).toBe(all);
  });

  test('finds a log again of which the row was lost with the power', () => {
    const { store } = open();
    store.append(1, 0, 0, output('x\n'), []);
    store.close();
    database.exec('DELETE FROM logs');
    const again = open();
    again.store.live(1, 0);
    again.core.turn(() => again.store.finish(1, 0));
    expect(text(again.store, again.store.ofStep(1, 0)[0]?.id ?? 0)).toBe('x\n');
  });

  test('goes on after a restart in the middle of a line', () => {
    const before = open();
    const first = output('a line\nhalf a ');
    before.store.append(1, 0, 0, first, []);
    before.store.close();
    const after = open();
    expect(after.store.live(1, 0).journal.end).toBe(first.length);
    after.store.append(1, 0, first.length, output('line\n'), []);
    after.core.turn(() => after.store.finish(1, 0));
    expect(text(after.store, after.store.ofStep(1, 0)[0]?.id ?? 0)).toBe('a line\nhalf a line\n');
  });

  test('tells who follows it that it grew, and that it ended', () => {
    const { core, store } = open();
    const grown: number[] = [];
    store.grown.on((id) => grown.push(id));
    store.append(1, 0, 0, output('x\n'), []);
    expect(grown).toHaveLength(1);
    core.turn(() => store.finish(1, 0));
    expect(grown).toHaveLength(2);
  });

  test('keeps the journal when the turn that ends the step fails', () => {
    const { core, store } = open();
    store.append(1, 0, 0, output('x\n'), []);
    const failing = () =>
      core.turn(() => {
        store.finish(1, 0);
        throw new Error('no');
      });
    expect(failing).toThrow('no');
    expect(existsSync(join(dir, '0', '1', '0.journal'))).toBe(true);
    const again = open();
    again.core.turn(() => {
      again.store.live(1, 0);
      again.store.finish(1, 0);
    });
    expect(text(again.store, again.store.ofStep(1, 0)[0]?.id ?? 0)).toBe('x\n');
  });
});

describe('a damaged log', () => {
  const file = () => join(dir, '0', '1', '2.0.log');
  async function finished() {
    const { core, store } = open();
    const whole = fill(store);
    store.append(1, 3, 0, output('other\n'), []);
    core.turn(() => {
      store.finish(1, 2);
      store.finish(1, 3);
    });
    await store.settled();
    return { store, whole };
  }

  test.each([
    ['cut', () => writeFileSync(file(), readFileSync(file()).subarray(0, 500)), 'has no index'],
    ['missing', () => rmSync(file()), 'is missing'],
  ])('that is %s has a named error, and no other log has', async (_what, harm, message) => {
    const { store } = await finished();
    harm();
    const id = store.ofStep(1, 2)[0]?.id ?? 0;
    expect(() => store.lines(id, 0, 10)).toThrow(LogFileError);
    expect(() => store.lines(id, 0, 10)).toThrow(message);
    expect(text(store, store.ofStep(1, 3)[0]?.id ?? 0)).toBe('other\n');
  });

  test('with one byte that is another is noticed when that place is read, and only then', async () => {
    const { store } = await finished();
    const bytes = readFileSync(file());
    bytes[100] = (bytes[100] ?? 0) ^ 0xff;
    writeFileSync(file(), bytes);
    const id = store.ofStep(1, 2)[0]?.id ?? 0;
    expect(() => store.lines(id, 0, 1)).toThrow(/frame of lines 0 to \d+ cannot be decompressed/);
    expect(store.lines(id, 299, 1)?.lines).toHaveLength(1);
  });
});

describe('a turn that is taken back', () => {
  test('leaves the logs that it ended as they were: they go on from their journal', () => {
    const { core, store } = open();
    const first = output('one\npart');
    store.append(1, 0, 0, first, []);
    expect(() =>
      core.turn(() => {
        store.finish(1, 0);
        throw new Error('no');
      }),
    ).toThrow('no');
    store.append(1, 0, first.length, output('ial\n'), []);
    expect(text(store, store.ofStep(1, 0)[0]?.id ?? 0)).toBe('one\npartial\n');
  });

  test('does not keep the journal of a step that an earlier process ran from being finished', async () => {
    const before = open();
    before.store.append(1, 0, 0, output('one\n'), []);
    before.store.close();
    const { core, store } = open();
    core.turn(() => store.finish(1, 0));
    await store.settled();
    expect(store.ofStep(1, 0)).toMatchObject([{ lines: 1, complete: 1 }]);
    expect(existsSync(join(dir, '0', '1', '0.journal'))).toBe(false);
  });
});
