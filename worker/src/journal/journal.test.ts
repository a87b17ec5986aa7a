import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeRecords } from '@icefall/shared';
import { describe, expect, it, onTestFinished } from 'vitest';
import { realClock } from '../clock.ts';
import { temporaryDirectory } from '../test-support/directories.ts';
import { ManualClock } from '../test-support/manual-clock.ts';
import { GATHER_MS, Journal, type JournalOptions } from './journal.ts';
import { SegmentFiles } from './segments.ts';

const MIB = 1024 * 1024;

async function openJournal(rest: Partial<JournalOptions> & { directory?: string } = {}) {
  const directory = rest.directory ?? (await temporaryDirectory());
  const written: number[] = [];
  const faults: unknown[] = [];
  const journal: Journal = new Journal({
    segments: new SegmentFiles(directory),
    clock: realClock,
    limitBytes: 64 * MIB,
    onWritten: () => written.push(journal.written),
    onFault: (error) => faults.push(error),
    ...rest,
  });
  onTestFinished(() => journal.close());
  return { journal, written, faults, directory };
}

/** Everything from an offset, the way the sender takes it. */
async function readAll(journal: Journal, from: number): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for (let at = from; at < journal.written; ) {
    const piece = journal.recent(at) ?? (await journal.readBack(at));
    pieces.push(Uint8Array.from(piece));
    at += piece.length;
  }
  return Buffer.concat(pieces);
}

function text(bytes: Buffer): string {
  return Buffer.concat([...decodeRecords(bytes)].map(({ data }) => data)).toString();
}

describe('a journal', () => {
  it('writes a lonely line at once, and gathers what follows closely', async () => {
    const clock = new ManualClock();
    const { journal, written } = await openJournal({ clock });
    journal.append(1, Buffer.from('first\n'));
    await journal.flush();
    expect(written).toHaveLength(1);
    for (let i = 0; i < 1000; i += 1) journal.append(1, Buffer.from('x'));
    expect(clock.delays).toEqual([GATHER_MS]);
    expect(journal.written).toBe(written[0]);
    clock.advance(GATHER_MS);
    await journal.flush();
    expect(written).toHaveLength(2);
    const records = [...decodeRecords(await readAll(journal, 0))];
    expect(records.map(({ data }) => data.length)).toEqual([6, 1000]);
  });

  it('gives every byte back, from memory or disk, from any record on', async () => {
    const { journal } = await openJournal();
    let expected = '';
    for (let i = 0; i < 300; i += 1) {
      const line = `${i} `.repeat(20_000);
      journal.append(1, Buffer.from(line));
      expected += line;
      if (i % 50 === 0) await journal.flush();
    }
    await journal.flush();
    // More than is kept in memory.
    expect(journal.end).toBeGreaterThan(16 * MIB);
    expect(journal.recent(0)).toBeNull();
    expect(text(await readAll(journal, 0)) === expected).toBe(true);
  });

  it('holds its command up at the limit, until the master has taken something', async () => {
    const { journal } = await openJournal({ limitBytes: 200_000 });
    journal.append(1, Buffer.alloc(100_000));
    expect(journal.congested).toBe(false);
    journal.append(1, Buffer.alloc(100_000));
    expect(journal.congested).toBe(true);
    await journal.flush();
    let room = false;
    journal.whenRoom(() => {
      room = true;
    });
    expect(room).toBe(false);
    await journal.acknowledge(journal.recent(0)?.length ?? 0);
    expect(room).toBe(true);
    expect(journal.congested).toBe(false);
  });

  it('refuses an acknowledgement of what was never written', async () => {
    const { journal } = await openJournal();
    journal.append(1, Buffer.from('x'));
    await journal.flush();
    await expect(journal.acknowledge(journal.end + 1)).rejects.toMatchObject({ code: 'bad_offset' });
    await journal.acknowledge(journal.end);
    await journal.acknowledge(0);
    expect(journal.acknowledged).toBe(journal.end);
  });

  it('goes on after a full disk, without losing or doubling a byte', async () => {
    const clock = new ManualClock();
    const directory = await temporaryDirectory();
    const segments = new SegmentFiles(directory);
    const append = segments.append.bind(segments);
    let refusals = 2;
    const tried = Promise.withResolvers<void>();
    segments.append = async (bytes) => {
      refusals -= 1;
      if (refusals < 0) return append(bytes);
      if (refusals === 0) tried.resolve();
      await append(bytes.subarray(0, 0));
      throw Object.assign(new Error('no space'), { code: 'ENOSPC' });
    };
    const { journal, faults } = await openJournal({ clock, segments });
    journal.append(1, Buffer.from('kept'));
    const flushed = journal.flush();
    while (refusals > 0) {
      await new Promise(setImmediate);
      clock.advance(1000);
    }
    await tried.promise;
    expect(journal.congested).toBe(true);
    while (journal.written < journal.end) {
      await new Promise(setImmediate);
      clock.advance(1000);
    }
    await flushed;
    expect(faults).toHaveLength(1);
    expect(journal.congested).toBe(false);
    expect(text(await readAll(journal, 0))).toBe('kept');
  });

  it('does not hold anybody up any more once it is closed', async () => {
    const directory = join(await temporaryDirectory(), 'gone');
    const { journal } = await openJournal({ directory });
    journal.append(1, Buffer.from('x'));
    const flushed = journal.flush();
    await journal.close();
    await flushed;
    journal.append(1, Buffer.from('y'));
    await rm(directory, { recursive: true, force: true });
  });
});

describe('going on with a master', () => {
  it('begins where the master is, and counts what lies before as acknowledged', async () => {
    const { journal } = await openJournal();
    journal.append(1, Buffer.from('one'));
    await journal.flush();
    const half = journal.written;
    journal.append(1, Buffer.from('two'));
    await journal.flush();
    await journal.resumeAt(half);
    expect(journal.acknowledged).toBe(half);
    expect(text(await readAll(journal, half))).toBe('two');
  });

  it('continues at the offset of a master that has more than a machine that lost power', async () => {
    const { journal, directory } = await openJournal({ recovered: true });
    journal.append(1, Buffer.from('one'));
    await journal.flush();
    await journal.resumeAt(5000);
    expect([journal.start, journal.end]).toEqual([5000, 5000]);
    journal.append(0, Buffer.from('lost'));
    await journal.flush();
    expect(text(await readAll(journal, 5000))).toBe('lost');
    await journal.close();
    expect((await SegmentFiles.recover(directory)).end).toBe(journal.end);
  });

  it('does not believe that a master has more than was ever written', async () => {
    const { journal } = await openJournal();
    await expect(journal.resumeAt(1)).rejects.toMatchObject({ code: 'bad_offset' });
  });

  it('tells a master that asks for what it has acknowledged long ago', async () => {
    const { journal } = await openJournal({ recovered: true });
    await journal.resumeAt(5000);
    await expect(journal.resumeAt(4999)).rejects.toMatchObject({ code: 'journal_gap' });
  });

  it('tells where no record begins at an offset', async () => {
    const { journal } = await openJournal();
    journal.append(1, Buffer.alloc(1000, 0xff));
    await journal.flush();
    await expect(journal.readBack(20)).rejects.toThrow();
  });
});
