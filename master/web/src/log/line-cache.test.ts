import type { LogLine } from '@icefall/shared';
import { expect, test } from 'vitest';
import { CHUNK, KEPT_CHUNKS, LineCache } from './line-cache.ts';

const lines = (first: number, count: number): LogLine[] =>
  Array.from({ length: count }, (_, i) => ({ n: first + i, stream: 'stdout', at: 0, text: `line ${first + i}` }));

test('lines that came are at hand, others are missing by whole chunks', () => {
  const cache = new LineCache();
  cache.put(lines(0, CHUNK));
  expect(cache.get(3)?.text).toBe('line 3');
  expect(cache.get(CHUNK)).toBeUndefined();
  expect(cache.missing(10, CHUNK + 10)).toEqual([{ first: CHUNK, limit: CHUNK }]);
});

test('a chunk that is there in part is asked for only where lines are missing', () => {
  const cache = new LineCache();
  cache.put(lines(0, 20));
  expect(cache.missing(0, 20)).toEqual([]);
  expect(cache.missing(0, 21)).toEqual([{ first: 0, limit: CHUNK }]);
});

test('of a log of millions only the last used chunks are kept', () => {
  const cache = new LineCache();
  cache.put(lines(0, 1));
  for (let i = 1; i < KEPT_CHUNKS; i += 1) cache.put(lines(i * CHUNK, 1));
  cache.missing(0, 1);
  cache.put(lines(KEPT_CHUNKS * CHUNK, 1));
  expect(cache.get(0)).toBeDefined();
  expect(cache.get(CHUNK)).toBeUndefined();
});
