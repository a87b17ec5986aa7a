import { expect, it } from 'vitest';
import { backoffDelay } from './backoff.ts';

const limits = { firstMs: 200, longestMs: 600_000 };

it('doubles from the first delay to the longest', () => {
  const delays = [1, 2, 3, 4, 13, 100, 5000].map((failures) => backoffDelay(failures, limits, () => 1));
  expect(delays).toEqual([200, 400, 800, 1600, 600_000, 600_000, 600_000]);
});

it('leaves half of the delay to chance', () => {
  expect(backoffDelay(3, limits, () => 0)).toBe(400);
  expect(backoffDelay(3, limits, () => 0.5)).toBe(600);
});
