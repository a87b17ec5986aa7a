import type { JournalRecord } from '@icefall/shared';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { countLines, LineAssembler, type LineRecord, MAX_LINE_BYTES } from './line-records.ts';

fc.configureGlobal({ seed: 1 });

const text = (records: readonly LineRecord[], stream: number) =>
  records
    .filter((record) => record.stream === stream)
    .map((record) => Buffer.from(record.data).toString())
    .join('');
const chunk = (stream: number, data: string, at = 1): JournalRecord => ({ stream, at, data: Buffer.from(data) });

describe('the line assembler', () => {
  test('joins a line that came in pieces, with the time of its end', () => {
    const lines = new LineAssembler();
    expect(lines.push(chunk(1, 'hel', 1))).toEqual([]);
    const [record] = lines.push(chunk(1, 'lo\n', 2));
    expect(record).toMatchObject({ stream: 1, at: 2, lines: 1 });
    expect(text([record as LineRecord], 1)).toBe('hello\n');
  });

  test('keeps the streams apart', () => {
    const lines = new LineAssembler();
    lines.push(chunk(1, 'out'));
    expect(text(lines.push(chunk(2, 'err\n')), 2)).toBe('err\n');
    expect(text(lines.push(chunk(1, 'put\n')), 1)).toBe('output\n');
  });

  test('ends what was left without a newline', () => {
    const lines = new LineAssembler();
    lines.push(chunk(1, 'no end'));
    expect(text(lines.flush(5), 1)).toBe('no end\n');
    expect(lines.flush(6)).toEqual([]);
  });

  test('cuts a line without end instead of holding it', () => {
    const lines = new LineAssembler();
    const records = Array.from({ length: 4 }, () => lines.push(chunk(1, 'x'.repeat(MAX_LINE_BYTES / 2)))).flat();
    expect(records.length).toBeGreaterThan(1);
    expect(text([...records, ...lines.flush(9)], 1).replaceAll('\n', '')).toBe('x'.repeat(MAX_LINE_BYTES * 2));
  });

  test('loses and invents nothing, however the bytes are chunked', () => {
    const chunks = fc.array(fc.record({ stream: fc.constantFrom(0, 1, 2), data: fc.stringMatching(/^[ab\n]{0,8}$/) }));
    fc.assert(
      fc.property(chunks, (script) => {
        const assembler = new LineAssembler();
        const records = [
          ...script.flatMap(({ stream, data }) => assembler.push(chunk(stream, data))),
          ...assembler.flush(0),
        ];
        for (const stream of [0, 1, 2]) {
          const sent = script
            .filter((one) => one.stream === stream)
            .map((one) => one.data)
            .join('');
          expect(text(records, stream)).toBe(sent === '' || sent.endsWith('\n') ? sent : `${sent}\n`);
        }
        for (const record of records) expect(record.lines).toBe(countLines(record.data));
      }),
    );
  });
});
