import { setTimeout as delay } from 'node:timers/promises';
import { Bed } from '../bed.ts';
import { expectClean, expectUntouched } from '../checks.ts';
import type { Run, Scenario } from '../scenario.ts';

/** Longer than either side takes a silent peer for living, and looks. */
const FROZEN_MS = 36_000;

/** A side is stopped for a while (SIGSTOP), as by a debugger, a suspended machine or a snapshot. */
async function frozen({ ground, seed }: Run, side: 'master' | 'agent', ms: (bed: Bed) => number): Promise<void> {
  const bed = await Bed.make(ground, seed);
  const worker = await bed.worker('steady');
  const works = [await bed.running('talks'), await bed.running('silent')];
  await bed.moment(0, 500);
  const { process } = side === 'master' ? bed.master : worker;
  process.signal('SIGSTOP');
  try {
    await delay(ms(bed));
    // What runs ends while its agent sleeps.
    if (bed.dice.chance(0.3)) bed.openGate();
    await bed.moment(0, 200);
  } finally {
    process.signal('SIGCONT');
  }
  await bed.moment(0, 700);
  bed.openGate();
  for (const { pid, ...work } of works) await expectUntouched(bed, work, pid);
  await expectClean(bed);
}

const short = (bed: Bed) => bed.dice.int(100, 4000);

export const frozenScenarios: readonly Scenario[] = [
  {
    name: 'master-frozen',
    title: 'a master that is stopped for seconds goes on where it was',
    run: (run) => frozen(run, 'master', short),
  },
  {
    name: 'agent-frozen',
    title: 'an agent that is stopped for seconds goes on where it was',
    run: (run) => frozen(run, 'agent', short),
  },
  {
    name: 'master-frozen-long',
    title: 'a master that is stopped for longer than a silent peer is believed in finds the same processes again',
    slow: true,
    run: (run) => frozen(run, 'master', () => FROZEN_MS),
  },
  {
    name: 'agent-frozen-long',
    title: 'an agent that is stopped for longer than a silent peer is believed in keeps its processes',
    slow: true,
    run: (run) => frozen(run, 'agent', () => FROZEN_MS),
  },
];
