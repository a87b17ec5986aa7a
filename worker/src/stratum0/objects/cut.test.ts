import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CHUNK_SIZES, cutFinder } from './cut.ts';

fc.configureGlobal({ seed: 1 });

/** Pseudo-random bytes, the same for the same seed. */
function noise(length: number, seed: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  let state = seed >>> 0 || 1;
  for (let i = 0; i < length; i += 1) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

function cutsOf(
  bytes: Uint8Array,
  pieces: readonly number[],
  sizes = { least: 64, average: 256, most: 1024 },
): number[] {
  const finder = cutFinder(sizes);
  const cuts: number[] = [];
  let start = 0;
  for (const end of [...pieces, bytes.length]) {
    const piece = bytes.subarray(start, end);
    for (let cut = finder.next(piece, 0); cut !== null; cut = finder.next(piece, cut)) cuts.push(start + cut);
    start = end;
  }
  return cuts;
}

describe('cuts of a file', () => {
  test('do not depend on how the file is read', () => {
    fc.assert(
      fc.property(fc.nat(), fc.array(fc.nat({ max: 20_000 }), { maxLength: 40 }), (seed, ends) => {
        const bytes = noise(20_000, seed);
        const pieces = ends.toSorted((a, b) => a - b);
        expect(cutsOf(bytes, pieces)).toEqual(cutsOf(bytes, []));
      }),
      { numRuns: 50 },
    );
  });

  test('lie between the smallest and the largest size from each other', () => {
    const cuts = cutsOf(noise(200_000, 7), []);
    const sizes = cuts.map((cut, i) => cut - (cuts[i - 1] ?? 0));
    expect(Math.min(...sizes)).toBeGreaterThanOrEqual(64);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(1024);
    expect(new Set(sizes).size).toBeGreaterThan(50);
  });

  test('far from a change stay where they were, moved with the content', () => {
    const bytes = noise(100_000, 3);
    const changed = Buffer.concat([Buffer.from('something new'), bytes]);
    const moved = new Set(cutsOf(changed, []).map((cut) => cut - 13));
    const kept = cutsOf(bytes, []).filter((cut) => moved.has(cut));
    expect(kept.length).toBeGreaterThan(cutsOf(bytes, []).length * 0.9);
  });

  test('of content without marks are made at the largest size', () => {
    expect(cutsOf(Buffer.alloc(5000), [])).toEqual([1024, 2048, 3072, 4096]);
    expect(CHUNK_SIZES).toEqual({ least: 4_194_304, average: 8_388_608, most: 16_777_216 });
  });
});
