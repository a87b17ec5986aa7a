import { site } from '@icefall/master/config';
import { takeProblems } from '@icefall/master/config/problems';
import { SimulatedSite } from '@icefall/master/simulation/simulated-site';
import { describe, expect, test } from 'vitest';
import { Dice } from './dice.ts';
import { randomSite } from './random-site.ts';

const SEEDS = Array.from({ length: 60 }, (_, i) => i + 1);
const DAY = 24 * 3_600_000;

/** What a site does with a burst of requests when nobody intervenes and deadlocks are only told of. */
function quietRun(seed: number) {
  const dice = new Dice(seed);
  const drawn = reckless(dice);
  const told = new Set<number>();
  const error = (fields: object) => {
    for (const { buildId } of Reflect.get(fields, 'deadlock')?.cycle ?? []) told.add(buildId);
  };
  // Without schedulers of its own: what comes later could change who is next.
  const schedulers = drawn.site.schedulers.filter(({ kind }) => kind === 'triggerable');
  const { access: _everybody, ...declared } = drawn.site;
  const quiet = site({ ...declared, url: 'http://localhost', schedulers, deadlocks: 'report' });
  takeProblems();
  const works = new Dice(seed + 1);
  const sim = new SimulatedSite({
    site: quiet,
    work: () => ({ durationMs: works.duration(10, 60_000), exitCode: works.chance(0.8) ? 0 : 1 }),
    log: { info() {}, warn() {}, error },
  }).connectAll();
  for (let i = 0; i < 12; i += 1) sim.request(dice.some(quiet.builders.map(({ name }) => name)));
  return { sim, told };
}

/** The first site of the dice whose locks can deadlock. */
function reckless(dice: Dice): ReturnType<typeof randomSite> {
  for (;;) {
    const drawn = randomSite(dice, (other) => new Dice(other));
    if (drawn.isReckless && drawn.limits.size > 0) return drawn;
  }
}

describe('a deadlock', () => {
  let deadlocks = 0;

  test.each(SEEDS)('is told of exactly where builds never end by themselves, with seed %i', (seed) => {
    const { sim, told } = quietRun(seed);
    using _ = sim;
    sim.run(DAY);
    const { core } = sim.master;
    const open = core.db.all<{ id: number }>("SELECT id FROM builds WHERE state <> 'finished'").map(({ id }) => id);
    const requests = core.db.all("SELECT id FROM requests WHERE state <> 'finished'");
    expect([...told].filter((id) => !open.includes(id))).toEqual([]);
    expect(requests.length > 0).toBe(told.size > 0);
    deadlocks += told.size > 0 ? 1 : 0;
  });

  test('is what some of those sites come to', () => {
    expect(deadlocks).toBeGreaterThan(5);
  });
});
