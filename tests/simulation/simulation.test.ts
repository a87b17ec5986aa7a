import { describe, expect, test } from 'vitest';
import { runScenario } from './scenario.ts';

/** `npm run simulate` runs thousands; these are a sample of every kind of trouble. */
const SEEDS = [
  ...Array.from({ length: 40 }, (_, i) => i + 1),
  // A deadlock behind a back-off; one whose first victim waits for the clean-up of its children.
  ...[6338, 3237],
];

describe('a site in random trouble', () => {
  test.each(SEEDS)('keeps its promises with seed %i', (seed) => {
    expect(() => runScenario(seed)).not.toThrow();
  });
});
