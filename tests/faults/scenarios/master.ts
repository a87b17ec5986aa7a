import { strict as assert } from 'node:assert';
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { changeSchema } from '@icefall/shared';
import { readIntervals } from '../../end-to-end/stamps.ts';
import { eventually } from '../../support/eventually.ts';
import { processesOf } from '../../support/process-table.ts';
import { Bed, type Work } from '../bed.ts';
import { expectClean, expectDone, expectLocksKept, expectUntouched } from '../checks.ts';
import type { Run, Scenario } from '../scenario.ts';
import { testimonyOf } from '../witness.ts';

/** Pushes of one run. */
const PUSHES = 25;

/** The master dies a few times while one step runs; the step may end while nobody listens. */
async function killedDuring({ ground, seed }: Run, builder: 'talks' | 'silent'): Promise<void> {
  const bed = await Bed.make(ground, seed);
  await bed.worker('steady');
  const { pid, ...work } = await bed.running(builder);
  const kills = bed.dice.int(1, 3);
  for (let i = 1; i <= kills; i += 1) {
    await bed.moment(0, 700);
    await bed.master.kill();
    if (i === kills && bed.dice.chance(0.5)) bed.openGate();
    await bed.moment(0, 1200);
    await bed.master.startAgain();
  }
  await bed.moment(0, 500);
  bed.openGate();
  await expectUntouched(bed, work, pid);
  await expectClean(bed);
}

/** The master dies while it starts, or while it stops, and is started again. */
async function killedStarting({ ground, seed }: Run): Promise<void> {
  const bed = await Bed.make(ground, seed);
  await bed.worker('steady');
  const works = [await bed.running('talks'), await bed.running('silent')];
  const waiting = [await bed.force('exclusive', 100), await bed.force('counting', 200), await bed.force('exclusive')];
  for (let i = 0; i < 3; i += 1) {
    if (bed.dice.chance(0.5)) bed.master.process.signal('SIGTERM');
    await bed.moment(0, 50);
    await bed.master.kill();
    // It ends before it says that it runs, or soon after.
    const starting = bed.master.startAgain().catch(() => undefined);
    await bed.moment(0, 1500);
    for (const { pid, command } of processesOf(bed.master.directory))
      if (command.includes(` start ${bed.master.directory}`)) process.kill(pid, 'SIGKILL');
    await starting;
    await bed.master.startAgain();
  }
  bed.openGate();
  for (const { pid, ...work } of works) await expectUntouched(bed, work, pid);
  for (const { buildset } of waiting) assert.equal((await bed.api.finished(buildset)).result, 'SUCCESS');
  assert.equal(readIntervals(`${bed.witness}/stamps`).length, waiting.length);
  await expectClean(bed);
}

async function killedWithLocks({ ground, seed }: Run): Promise<void> {
  const bed = await Bed.make(ground, seed);
  await bed.worker('steady');
  await bed.worker('second');
  // These hold while the master is away, and when it is back.
  const held = bed.dice.chance(0.5) ? ['exclusive'] : ['counting', 'counting', 'counting'];
  const works: Work[] = [];
  for (const builder of held) works.push(await bed.force(builder, 'gate'));
  await eventually('the first to hold', () => (linesOf(`${bed.witness}/stamps`) === held.length ? true : null));
  for (let i = 0; i < 8; i += 1)
    works.push(await bed.force(bed.dice.chance(0.6) ? 'counting' : 'exclusive', bed.dice.int(0, 150)));
  for (let i = 0; i < 3; i += 1) {
    await bed.moment(0, 600);
    await bed.restartMaster(bed.dice.duration(1, 300));
    if (i > 0) continue;
    await Promise.all([bed.api.connected('steady'), bed.api.connected('second')]);
    await bed.moment(0, 600);
    bed.openGate();
  }
  for (const { buildset } of works) assert.equal((await bed.api.finished(buildset)).result, 'SUCCESS');
  const intervals = readIntervals(`${bed.witness}/stamps`);
  assert.equal(intervals.length, works.length, 'every step ran once');
  expectLocksKept(intervals);
  await expectClean(bed);
}

function linesOf(file: string): number {
  return existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n').length : 0;
}

async function killedInTrigger({ ground, seed }: Run): Promise<void> {
  const bed = await Bed.make(ground, seed);
  await bed.worker('steady');
  const parent = await bed.force('parent');
  const [child] = await bed.begun(parent, 1);
  for (let i = bed.dice.int(1, 3); i > 0; i -= 1) {
    await bed.moment(0, 500);
    await bed.restartMaster();
  }
  bed.openGate();
  await bed.moment(0, 100);
  await bed.restartMaster(1);
  assert.equal((await bed.api.finished(parent.buildset)).result, 'SUCCESS');
  const builds = await bed.api.buildsOf(parent.buildset);
  assert.deepEqual(
    builds.map(({ builder, attempt, result }) => [builder, attempt, result]),
    [
      ['parent', 1, 'SUCCESS'],
      ['child', 1, 'SUCCESS'],
    ],
  );
  assert.deepEqual(testimonyOf(bed.witness, parent.key).begun, [child]);
  const requestId = builds[1]?.requestId ?? 0;
  const { buildsetId } = await bed.api.request(requestId);
  await expectDone(bed, { key: parent.key, buildset: await bed.api.buildset(buildsetId) }, 1);
  assert.equal(readIntervals(`${bed.witness}/stamps`).length, 2, 'before and after ran once each');
  await expectClean(bed);
}

/** Tells of a push again and again until the master has answered; gives the change. */
async function pushUntilAccepted(bed: Bed, n: number): Promise<number> {
  const push = { repository: 'r', branch: 'main', revision: `r${n}`, files: ['f'], deliveryId: `push-${n}` };
  for (;;) {
    try {
      return (await bed.api.post('/changes', push, changeSchema)).id;
    } catch (error) {
      // Nobody there, or gone before it could answer.
      if (!(error instanceof TypeError)) throw error;
      await delay(20);
    }
  }
}

async function killedAmongPushes({ ground, seed }: Run): Promise<void> {
  const bed = await Bed.make(ground, seed);
  await bed.worker('steady');
  const changes: number[] = [];
  const pushing = (async () => {
    for (let n = 1; n <= PUSHES; n += 1) {
      changes.push(await pushUntilAccepted(bed, n));
      await delay(bed.dice.int(0, 60));
    }
  })();
  for (let i = 0; i < 3; i += 1) {
    await bed.moment(0, 400);
    await bed.restartMaster(bed.dice.duration(1, 300));
  }
  await pushing;
  assert.equal(new Set(changes).size, PUSHES, 'a push that is told again is no second change');
  await expectEachBuiltOnce(bed, changes);
  await expectClean(bed);
}

/** Waits until every change is built by both schedulers, and nothing runs; then each must have been built once. */
export async function expectEachBuiltOnce(bed: Bed, changes: readonly number[]): Promise<void> {
  const built = async (builder: string) =>
    (await bed.api.snapshot()).builds.filter((build) => build.builder === builder && build.result !== 'RETRY');
  const snapshot = await bed.api.waitFor('every push to be built', async () => {
    const now = await bed.api.snapshot();
    const { runningBuilds, pendingRequests } = now.status;
    const calm = new Set(now.builds.filter(({ builder }) => builder === 'calm').flatMap(({ changeIds }) => changeIds));
    return runningBuilds + pendingRequests === 0 && changes.every((id) => calm.has(id)) ? now : null;
  });
  assert.ok(snapshot.builds.every(({ result }) => result === 'SUCCESS' || result === 'RETRY'));
  for (const builder of ['at_once', 'calm']) {
    const ids = (await built(builder)).flatMap(({ changeIds }) => changeIds);
    assert.deepEqual(
      ids.toSorted((a, b) => a - b),
      changes.toSorted((a, b) => a - b),
      `${builder}: every push once`,
    );
  }
}

export const masterScenarios: readonly Scenario[] = [
  {
    name: 'master-killed-talking',
    title: 'a master that is killed during a step that prints finds the same process again, and every byte',
    run: (run) => killedDuring(run, 'talks'),
  },
  {
    name: 'master-killed-silent',
    title: 'a master that is killed during a silent step finds the same process again',
    run: (run) => killedDuring(run, 'silent'),
  },
  {
    name: 'master-killed-starting',
    title: 'a master that is killed while it starts or stops finds everything at its next start',
    run: killedStarting,
  },
  {
    name: 'master-killed-locks',
    title: 'a master that is killed while locks are held and waited for lets nobody in who must not be',
    run: killedWithLocks,
  },
  {
    name: 'master-killed-trigger',
    title: 'a master that is killed while a build waits for what it triggered goes on waiting for the same',
    run: killedInTrigger,
  },
  {
    name: 'master-killed-pushes',
    title: 'a master that is killed while pushes come in builds each that it has accepted, once',
    run: killedAmongPushes,
  },
];
