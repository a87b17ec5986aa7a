import type { LogLine } from '@icefall/shared';
import { expect, test } from 'vitest';
import { hitsFrom, matcherOf, nextHit, type ReadLines } from './search.ts';

const TOTAL = 12_000;
const text = (n: number) => (n % 4000 === 7 ? `\u001b[31merror\u001b[0m ${n}` : `line ${n}`);
/** A master that gives at most 3000 lines at once. */
const read: ReadLines = async (first, limit) =>
  Array.from(
    { length: Math.min(3000, limit, TOTAL - first) },
    (_, i): LogLine => ({ n: first + i, stream: 'stdout', at: 0, text: text(first + i) }),
  );
const error = /error/;

test('all hits are found, across answers of any size and through colours', async () => {
  const hits: number[] = [];
  for await (const piece of hitsFrom(read, matcherOf('ERROR 8') ?? error, 0, TOTAL)) hits.push(...piece.hits);
  expect(hits).toEqual([8007]);
});

test('the next hit is after where one is, the one before is the nearest', async () => {
  expect(await nextHit(read, error, 7, { total: TOTAL, backwards: false })).toBe(4007);
  expect(await nextHit(read, error, 8007, { total: TOTAL, backwards: true })).toBe(4007);
  expect(await nextHit(read, error, 7, { total: TOTAL, backwards: true })).toBeNull();
  expect(await nextHit(read, error, 8007, { total: TOTAL, backwards: false })).toBeNull();
});

test('plain text is no expression, and /…/ is one', () => {
  expect(matcherOf('a.b')?.test('axb')).toBe(false);
  expect(matcherOf('/a.b/')?.test('axb')).toBe(true);
  expect(matcherOf('/a(/')).toBeNull();
  expect(matcherOf('')).toBeNull();
});
