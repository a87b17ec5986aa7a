import { strict as assert } from 'node:assert';
import { renameSync, writeFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { changeSchema, snapshotSchema } from '@icefall/shared';
import type { TestGround } from '../../support/ground.ts';
import { Bed } from '../bed.ts';
import { expectClean, expectDone, expectUntouched } from '../checks.ts';
import type { Run, Scenario } from '../scenario.ts';

const buildsSchema = snapshotSchema.pick({ builds: true });
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const PRELOAD = fileURLToPath(new URL('../shifted-clock.ts', import.meta.url));

/** The wall clock of a process, which can be set. */
class WallClock {
  readonly #file: string;

  constructor(ground: TestGround, name: string) {
    this.#file = ground.path(`clock-of-${name}`);
  }

  /** For the process whose clock it is. */
  get env() {
    return { NODE_OPTIONS: `--import=${pathToFileURL(PRELOAD).href}`, SHIFTED_CLOCK: this.#file };
  }

  /** From now on it is wrong by so much. */
  set(shiftMs: number): void {
    writeFileSync(`${this.#file}.new`, String(shiftMs));
    renameSync(`${this.#file}.new`, this.#file);
  }
}

/** Far enough that every wait of the scenario would be over, or would never be. */
function somewhere({ dice }: Bed): number {
  return dice.duration(2 * MINUTE, 3 * DAY) * dice.pick([-1, 1]);
}

/** The master's clock is set while steps run, workers are away for shorter and longer than their grace, and a push waits. */
async function masterClock({ ground, seed }: Run): Promise<void> {
  const clock = new WallClock(ground, 'master');
  const bed = await Bed.make(ground, seed, { masterEnv: clock.env });
  await bed.worker('steady');
  const brief = await bed.worker('brief');
  const untouched = [await bed.running('talks'), await bed.running('silent')];
  const lost = await bed.running('brief_talks');
  const changeId = await push(bed);
  await bed.moment(0, 200);
  clock.set(somewhere(bed));
  await bed.wire.cut();
  await brief.kill();
  await bed.moment(0, 1000);
  // Once more while they are away: nobody's grace is shorter or longer for it.
  clock.set(somewhere(bed));
  await bed.moment(0, 1000);
  await bed.wire.mend();
  await bed.api.waitFor('the grace of the worker that is away to end', async () =>
    (await bed.attempts(lost))[0]?.result === 'RETRY' ? true : null,
  );
  brief.startAgain();
  clock.set(somewhere(bed));
  await bed.api.waitFor('the push to be built', async () => {
    // Not of the snapshot, which shows the last hours as the clock says.
    const { builds } = await bed.api.get('/builds?builder=calm', buildsSchema);
    return builds.some(({ changeIds }) => changeIds.includes(changeId)) ? true : null;
  });
  await expectAlarm(bed);
  bed.openGate();
  for (const { pid, ...work } of untouched) await expectUntouched(bed, work, pid);
  await expectDone(bed, lost, 2);
  await expectClean(bed, ['clockJumped']);
}

async function push(bed: Bed): Promise<number> {
  const change = { repository: 'r', branch: 'main', revision: 'r1', files: ['f'], deliveryId: 'push-1' };
  return (await bed.api.post('/changes', change, changeSchema)).id;
}

/** It is told within the seconds between two looks at the clock. */
async function expectAlarm(bed: Bed): Promise<void> {
  const alarm = await bed.api.waitFor('the alarm', async () => {
    const { alarms } = (await bed.api.snapshot()).status;
    return alarms.find(({ kind }) => kind === 'clockJumped') ?? null;
  });
  assert.match(alarm.message, /^the clock of the master's machine was set (forward|back) by /);
}

/** An agent's clock is set while it works, is cut off, and is killed and started again. */
async function agentClock({ ground, seed }: Run): Promise<void> {
  const clock = new WallClock(ground, 'agent');
  const bed = await Bed.make(ground, seed);
  const agent = await bed.worker('steady', { env: clock.env });
  const works = [await bed.running('talks'), await bed.running('silent')];
  for (let i = 0; i < 3; i += 1) {
    clock.set(somewhere(bed));
    await bed.moment(0, 400);
    await bed.wire.cut();
    clock.set(somewhere(bed));
    await bed.moment(0, 600);
    await bed.wire.mend();
    await bed.moment(0, 400);
  }
  bed.openGate();
  for (const { pid, ...work } of works) await expectUntouched(bed, work, pid);
  // Who comes after an agent whose clock was another finds its processes, and no other's.
  bed.closeGate();
  const lost = await bed.running('talks');
  clock.set(somewhere(bed));
  await agent.kill();
  await bed.moment(0, 300);
  clock.set(somewhere(bed));
  agent.startAgain();
  await bed.begun(lost, 2);
  bed.openGate();
  await expectDone(bed, lost, 2);
  await expectClean(bed);
}

export const clockScenarios: readonly Scenario[] = [
  {
    name: 'clock-master',
    title: 'a master whose clock is set ends and prolongs no wait, builds what was pushed, and says so',
    run: masterClock,
  },
  {
    name: 'clock-agent',
    title: 'an agent whose clock is set loses nothing and ends nothing',
    run: agentClock,
  },
];
