import { expect, test } from 'vitest';
import { fuzz } from './fuzz.ts';

test('mutated input breaks nothing, and an honest user is served beside it', async () => {
  const { runs, taken, faults } = await fuzz({ runs: 4000, seed: 1 });
  expect(faults).toEqual([]);
  // Not all of it is refused at once, or nothing behind the door would be tested.
  expect(Math.min(taken.changes ?? 0, taken[200] ?? 0)).toBeGreaterThan(0);
  expect(Object.keys(runs)).toEqual(['REST bodies', 'webhooks', 'worker messages']);
});
