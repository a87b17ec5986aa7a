import { describe, test } from 'vitest';
import { runScenario } from './scenario.ts';
import { SCENARIOS } from './scenarios/all.ts';

/** Every scenario once; many times with other moments: npm run faults -- --repeat 20. */
const SEED = 1;
/** A long cut of a link, here. */
const LONG_MS = 4000;

// Five at once, which is vitest's own limit; those that wait for the end of a silence first, since they cost little.
const slowFirst = SCENARIOS.toSorted((one, two) => Number(two.slow === true) - Number(one.slow === true));

describe.concurrent('faults, with real processes', () => {
  for (const scenario of slowFirst) {
    const why = scenario.skipped?.() ?? null;
    test.skipIf(why !== null)(why === null ? scenario.title : `${scenario.title} (${why})`, () =>
      runScenario(scenario, { seed: SEED, longMs: LONG_MS }),
    );
  }
});
