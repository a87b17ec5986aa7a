import { describe, test } from 'vitest';
import { runScenario, type Scenario } from './scenario.ts';
import { SCENARIOS } from './scenarios/all.ts';

/** Every scenario once; many times with other moments: npm run faults -- --repeat 20. */
const SEED = 1;
/** A long cut of a link, here. */
const LONG_MS = 4000;
/** Scenarios at once that compute; those that wait for the end of a silence cost next to nothing. */
const AT_ONCE = 2;

const places = { taken: 0, waiting: [] as (() => void)[] };

async function inPlace(work: () => Promise<void>): Promise<void> {
  if (places.taken >= AT_ONCE) await new Promise<void>((resolve) => places.waiting.push(resolve));
  else places.taken += 1;
  try {
    await work();
  } finally {
    const next = places.waiting.shift();
    if (next === undefined) places.taken -= 1;
    else next();
  }
}

describe.concurrent('faults, with real processes', () => {
  const run = (scenario: Scenario) => runScenario(scenario, { seed: SEED, longMs: LONG_MS });
  for (const scenario of SCENARIOS) {
    const why = scenario.skipped?.() ?? null;
    test.skipIf(why !== null)(why === null ? scenario.title : `${scenario.title} (${why})`, () =>
      scenario.slow === true ? run(scenario) : inPlace(() => run(scenario)),
    );
  }
});
