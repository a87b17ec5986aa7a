import { appendFile, readdir, readFile, truncate, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeRecord } from '@icefall/shared';
import { describe, expect, it, onTestFinished } from 'vitest';
import { temporaryDirectory } from '../test-support/directories.ts';
import { SEGMENT_BYTES, SegmentFiles } from './segments.ts';

const record = (bytes: number, fill = 1) => encodeRecord({ stream: 1, at: 0, data: Buffer.alloc(bytes, fill) });
const big = record(60_000);

/** Writes so many large records and returns the files they are in. */
async function filled(directory: string, records: number): Promise<SegmentFiles> {
  const segments = new SegmentFiles(directory);
  onTestFinished(() => segments.close());
  for (let i = 0; i < records; i += 1) await segments.append(big);
  return segments;
}

const perSegment = Math.ceil(SEGMENT_BYTES / big.length);

describe('the files of a journal', () => {
  it('begin a new one when one is full', async () => {
    const directory = await temporaryDirectory();
    const segments = await filled(directory, perSegment * 2 + 1);
    const second = perSegment * big.length;
    expect((await readdir(directory)).sort()).toEqual(
      [0, second, 2 * second].map((start) => `${String(start).padStart(16, '0')}.seg`),
    );
    expect(segments.end).toBe((perSegment * 2 + 1) * big.length);
  });

  it('are deleted when all in them is acknowledged, but for the last', async () => {
    const directory = await temporaryDirectory();
    const segments = await filled(directory, perSegment * 2 + 1);
    await segments.deleteBefore(perSegment * big.length - 1);
    expect(segments.start).toBe(0);
    await segments.deleteBefore(perSegment * big.length);
    expect(segments.start).toBe(perSegment * big.length);
    await segments.deleteBefore(segments.end);
    expect(await readdir(directory)).toHaveLength(1);
    expect(segments.start).toBe(2 * perSegment * big.length);
  });

  it('are read back from any offset, one at a time', async () => {
    const segments = await filled(await temporaryDirectory(), perSegment + 1);
    expect(await segments.read(big.length, 100)).toEqual(Buffer.from(big.subarray(0, 100)));
    expect((await segments.read((perSegment - 1) * big.length, 1_000_000)).length).toBe(big.length);
    expect((await segments.read(segments.end, 100)).length).toBe(0);
  });
});

describe('the files that a dead agent left', () => {
  it('are found whole', async () => {
    const directory = await temporaryDirectory();
    const { end } = await filled(directory, perSegment + 3);
    const found = await SegmentFiles.recover(directory);
    expect(found.end).toBe(end);
    await found.append(big);
    expect(found.end).toBe(end + big.length);
    await found.close();
  });

  it('lose a record that was cut off, and nothing else', async () => {
    const directory = await temporaryDirectory();
    const { end } = await filled(directory, 3);
    const [name] = await readdir(directory);
    await appendFile(join(directory, name ?? ''), big.subarray(0, 5000));
    const found = await SegmentFiles.recover(directory);
    expect(found.end).toBe(end);
    expect((await readFile(join(directory, name ?? ''))).length).toBe(end);
  });

  it('lose what follows a gap', async () => {
    const directory = await temporaryDirectory();
    await filled(directory, perSegment * 2 + 1);
    const [first, second] = (await readdir(directory)).sort();
    await truncate(join(directory, first ?? ''), big.length);
    const found = await SegmentFiles.recover(directory);
    expect(found.end).toBe(big.length);
    expect(await readdir(directory)).not.toContain(second);
    await found.close();
  });

  it('are none where there are none', async () => {
    const directory = await temporaryDirectory();
    await writeFile(join(directory, 'meta.json'), '{}');
    const found = await SegmentFiles.recover(directory);
    expect([found.start, found.end]).toEqual([0, 0]);
    await unlink(join(directory, 'meta.json'));
  });
});
