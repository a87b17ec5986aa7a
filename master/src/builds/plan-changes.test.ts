import { expect, test } from 'vitest';
import { builder, factory } from '../config/builders.ts';
import { worker } from '../config/workers.ts';
import { computed, type RenderContext } from '../properties/references.ts';
import { SimulatedSite } from '../simulation/simulated-site.ts';
import { programs, propertiesOf, siteWith, stepsOf } from '../simulation/test-language.ts';
import { shell } from '../steps/shell.ts';
import type { StepRun } from '../steps/step.ts';

const w1 = worker({ name: 'w1' });
const MINUTE = 60_000;

/** A site whose steps are called the same, and sign and publish with an option. */
function siteThat(options: { sign?: string; build?: string; env?: Record<string, string> }) {
  const step = (name: string, how = 'well') => shell({ name, command: [name, how] });
  const steps = [step('build', options.build), step('sign', options.sign), step('publish')];
  return siteWith({
    workers: [w1],
    builders: [builder({ name: 'one', workers: [w1], env: options.env ?? {}, factory: factory(steps) })],
  });
}

/** A build that is in its first step when the master ends, and a master with another site is started. */
function restarted(after: Parameters<typeof siteThat>[0]): SimulatedSite {
  const sim = new SimulatedSite({ site: siteThat({}), work: programs({ build: { durationMs: 10 * MINUTE } }) });
  sim.connectAll().request(['one']);
  sim.run(MINUTE).killMaster();
  sim.startMaster(siteThat(after)).connectAll();
  return sim;
}

test('a build that goes on with other steps after a restart says so, and an alarm does, until it ends', () => {
  using sim = restarted({ sign: 'badly' });
  const { alarms } = sim.master.core;
  expect(propertiesOf(sim, 1).configuration_changed).toEqual({
    value: { from: 1, to: 2, steps: ['sign'] },
    source: 'Restart of the master',
  });
  expect(alarms.all).toMatchObject([
    { kind: 'configurationChanged', message: expect.stringContaining('one #1 (began with 1, goes on with 2: "sign")') },
  ]);
  sim.run(20 * MINUTE);
  expect(stepsOf(sim, 1)).toEqual(['build: SUCCESS', 'sign: SUCCESS', 'publish: SUCCESS']);
  expect(alarms.all).toEqual([]);
});

test('an environment that is another one changes every step that has not ended', () => {
  using sim = restarted({ env: { A: '1' } });
  expect(propertiesOf(sim, 1).configuration_changed).toMatchObject({ value: { steps: ['build', 'sign', 'publish'] } });
});

test('a restart with the same configuration, or with changes of what is over, is not told of', () => {
  using same = restarted({});
  expect([propertiesOf(same, 1).configuration_changed, same.master.core.alarms.all]).toEqual([undefined, []]);
  using later = new SimulatedSite({ site: siteThat({}), work: programs({ sign: { durationMs: 10 * MINUTE } }) });
  later.connectAll().request(['one']);
  later.run(MINUTE).killMaster();
  later.startMaster(siteThat({ build: 'badly' })).connectAll();
  expect([propertiesOf(later, 1).configuration_changed, later.master.core.alarms.all]).toEqual([undefined, []]);
});

test('functions of the site are compared by what is written in them, also those inside of references', () => {
  const siteThatAsks = (isWanted: (run: StepRun) => boolean, name: (context: RenderContext) => string) =>
    siteWith({
      workers: [w1],
      builders: [
        builder({
          name: 'one',
          workers: [w1],
          factory: factory([
            shell({ name: 'build', command: ['build'] }),
            shell({ name: 'sign', command: ['sign'], doStepIf: isWanted }),
            shell({ name: 'publish', command: ['publish', computed(name)] }),
          ]),
        }),
      ],
    });
  const first = siteThatAsks(
    () => true,
    () => 'a',
  );
  using sim = new SimulatedSite({ site: first, work: programs({ build: { durationMs: 10 * MINUTE } }) });
  sim.connectAll().request(['one']);
  sim.run(MINUTE).killMaster();
  sim.startMaster(
    siteThatAsks(
      ({ resultSoFar }) => resultSoFar === 'SUCCESS',
      () => 'b',
    ),
  );
  expect(propertiesOf(sim, 1).configuration_changed).toMatchObject({ value: { steps: ['sign', 'publish'] } });
});

test('the alarm stays where the turn that ends the build is taken back, and goes with the one that ends it', () => {
  using sim = restarted({ sign: 'badly' });
  const { core, rooms } = sim.master;
  let ends = 0;
  rooms.builds.finished.on(() => {
    ends += 1;
    if (ends === 1) throw new Error('taken back');
  });
  const step = { buildId: 1, stepNumber: 2 };
  const kinds = () => core.alarms.all.map(({ kind }) => kind);
  sim.run(9 * MINUTE + 1500);
  expect(stepsOf(sim, 1)[2]).toBe('publish: running');
  const end = () => core.turn(() => rooms.commands.lost.fire({ ...step, why: 'a test', isGivenUp: false }));
  expect(end).toThrow('taken back');
  expect(kinds()).toContain('configurationChanged');
  end();
  expect(kinds()).not.toContain('configurationChanged');
});
