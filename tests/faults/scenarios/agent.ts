import { mkdirSync, rmSync } from 'node:fs';
import { processesOf } from '../../support/process-table.ts';
import { Bed } from '../bed.ts';
import { expectClean, expectDone, expectDoneSomehow } from '../checks.ts';
import type { Run, Scenario } from '../scenario.ts';

async function killed({ ground, seed }: Run, builder: 'talks' | 'silent'): Promise<void> {
  const bed = await Bed.make(ground, seed);
  const worker = await bed.worker('steady');
  const work = await bed.running(builder);
  const kills = bed.dice.int(1, 2);
  for (let i = 1; i <= kills; i += 1) {
    await bed.moment(0, 700);
    await worker.kill();
    await bed.moment(0, 800);
    worker.startAgain();
    await bed.begun(work, 1 + i);
    await bed.stepWithProcess(work);
  }
  bed.openGate();
  await expectDone(bed, work, 1 + kills);
  await expectClean(bed);
}

/** The agent dies again and again, also while it takes over what the one before it left, or is just given work. */
async function killedStarting({ ground, seed }: Run): Promise<void> {
  const bed = await Bed.make(ground, seed);
  const worker = await bed.worker('steady');
  const works = [await bed.force('talks'), await bed.force('silent')];
  for (let i = 0; i < 6; i += 1) {
    await bed.moment(0, i % 2 === 0 ? 600 : 1500);
    await worker.kill();
    worker.startAgain();
  }
  await bed.api.connected('steady');
  bed.openGate();
  for (const work of works) await expectDoneSomehow(bed, work);
  await expectClean(bed);
}

/** Both at once, and they come back in either order. */
async function killedWithMaster({ ground, seed }: Run): Promise<void> {
  const bed = await Bed.make(ground, seed);
  const worker = await bed.worker('steady');
  const work = await bed.running('talks');
  await bed.moment(0, 500);
  await Promise.all([bed.master.kill(), worker.kill()]);
  const workerFirst = bed.dice.chance(0.5);
  if (workerFirst) worker.startAgain();
  await bed.moment(0, 1000);
  await bed.master.startAgain();
  if (!workerFirst) worker.startAgain();
  await bed.begun(work, 2);
  bed.openGate();
  await expectDone(bed, work, 2);
  await expectClean(bed);
}

/** A machine that loses power: agent, processes and link at once, and nobody says good-bye. */
async function machineLost({ ground, seed }: Run, disk: 'same' | 'new'): Promise<void> {
  const bed = await Bed.make(ground, seed);
  const worker = await bed.worker('steady');
  const work = await bed.running(bed.dice.pick(['talks', 'silent']));
  await bed.moment(0, 700);
  bed.wire.halfOpen('worker');
  const all = processesOf(worker.directory);
  worker.process.signal('SIGKILL');
  for (const { pid } of all) if (pid !== worker.process.pid) kill(pid);
  await worker.process.ended;
  await bed.moment(0, 1500);
  if (disk === 'new') rmSync(worker.directory, { recursive: true });
  mkdirSync(worker.directory, { recursive: true });
  worker.startAgain();
  await bed.begun(work, 2, 90_000);
  await bed.moment(0, 300);
  bed.openGate();
  await expectDone(bed, work, 2);
  await expectClean(bed);
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}

export const agentScenarios: readonly Scenario[] = [
  {
    name: 'agent-killed-talking',
    title:
      'an agent that is killed during a step that prints: made again, and nothing of the first attempt lives beside it',
    run: (run) => killed(run, 'talks'),
  },
  {
    name: 'agent-killed-silent',
    title: 'an agent that is killed during a silent step: made again, and nothing of the first attempt lives beside it',
    run: (run) => killed(run, 'silent'),
  },
  {
    name: 'agent-killed-starting',
    title: 'an agent that is killed again and again, also while it starts, leaves nothing beside what it starts next',
    run: killedStarting,
  },
  {
    name: 'agent-and-master-killed',
    title: 'both sides are killed at once: made again, once',
    run: killedWithMaster,
  },
  {
    name: 'machine-lost',
    title: 'a machine that loses power and boots again: made again as soon as it is back',
    run: (run) => machineLost(run, 'same'),
  },
  {
    name: 'machine-replaced',
    title: 'a machine that is lost for good and replaced: made again once the old one is surely gone',
    slow: true,
    run: (run) => machineLost(run, 'new'),
  },
];
