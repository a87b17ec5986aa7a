import { mkdtempSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FrameReader, FrameWriter, LogFileError } from './frame-file.ts';
import type { LineRecord } from './line-records.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'icefall-frames-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

const LINES = 20_000;
const line = (n: number) => `line ${n} ${'.'.repeat(n % 50)}\n`;
const record = (n: number): LineRecord => ({ stream: 1, at: 1000 + n, data: Buffer.from(line(n)), lines: 1 });

function written(): FrameWriter {
  const writer = new FrameWriter(join(dir, 'log'));
  for (let n = 0; n < LINES; n += 1) writer.append(record(n));
  return writer;
}
const firstOf = (log: Pick<FrameWriter, 'read'>, n: number) => {
  for (const found of log.read(n))
    return { at: found.record.at, text: Buffer.from(found.record.data).toString(), n: found.firstLine };
  return null;
};
const expected = (n: number) => ({ at: 1000 + n, text: line(n), n });

describe('a frame file', () => {
  test.each([0, 1, 9_999, LINES - 1])('gives line %i while it is written and when it is finished', (n) => {
    const writer = written();
    expect(firstOf(writer, n)).toEqual(expected(n));
    writer.finish();
    using reader = new FrameReader(writer.path);
    expect(firstOf(reader, n)).toEqual(expected(n));
    expect(reader.lines).toBe(LINES);
  });

  test('gives every line once, in order', () => {
    const writer = written();
    writer.finish();
    using reader = new FrameReader(writer.path);
    const all = [...reader.read(0)].map(({ record: one }) => Buffer.from(one.data).toString()).join('');
    expect(all).toBe(Array.from({ length: LINES }, (_, n) => line(n)).join(''));
    expect(reader.bytes).toBe(all.length);
  });

  test('knows where lines may begin or end a group, also while it is written', () => {
    const writer = new FrameWriter(join(dir, 'log'));
    for (let n = 0; n < LINES; n += 1)
      writer.append(n === 9000 ? { ...record(n), data: Buffer.from('\u001b[36m::group::Set up\n') } : record(n));
    const from = writer.nextMarked(0);
    expect(from).toBeGreaterThan(0);
    expect(from).toBeLessThanOrEqual(9000);
    expect(writer.nextMarked(9001)).toBe(9001);
    const tail = writer.nextMarked(16_000);
    expect(firstOf(writer, tail)?.n).toBe(tail);
    writer.finish();
    using reader = new FrameReader(writer.path);
    expect(reader.nextMarked(0)).toBe(from);
    expect(reader.nextMarked(16_000)).toBe(LINES);
  });

  test('has nothing after its last line', () => {
    const writer = written();
    expect(firstOf(writer, LINES)).toBeNull();
    writer.abandon();
  });

  test('is refused, with its path, when it was cut off', () => {
    const writer = written();
    writer.finish();
    const size = statSync(writer.path).size;
    truncateSync(writer.path, size - 100);
    expect(() => new FrameReader(writer.path)).toThrow(LogFileError);
    expect(() => new FrameReader(writer.path)).toThrow(writer.path);
  });
});
