import { strict as assert } from 'node:assert';
import type { Build } from '@icefall/shared';
import { type Interval, mostTogether, overlaps } from '../end-to-end/stamps.ts';
import { describeBuild } from '../support/api.ts';
import { TestCli } from '../support/cli.ts';
import { eventually } from '../support/eventually.ts';
import { processesOf } from '../support/process-table.ts';
import type { Bed, Work } from './bed.ts';
import { printedBy, testimonyOf } from './witness.ts';

/** Waits for the end of a work that was never to be interrupted: one attempt, one process, every byte, SUCCESS. */
export async function expectUntouched(bed: Bed, work: Work, pid: number | null = null): Promise<void> {
  await expectDone(bed, work, 1);
  const { begun } = testimonyOf(bed.witness, work.key);
  if (pid !== null) assert.deepEqual(begun, [pid], `${work.key}: the process that ran is the one that ended`);
}

/** Waits for the end of a work that had to be made again: so many attempts, the last of them whole, none beside another. */
export async function expectDone(bed: Bed, work: Work, attempts: number): Promise<void> {
  const { result } = await bed.api.finished(work.buildset);
  const builds = (await bed.attempts(work)).filter(({ builder }) => builder !== 'parent');
  const all = builds.map(describeBuild).join('\n');
  assert.equal(result, 'SUCCESS', `${work.key}\n${all}`);
  assert.deepEqual(
    builds.map((build) => build.result),
    [...Array(attempts - 1).fill('RETRY'), 'SUCCESS'],
    `${work.key}: one result, and no more attempts than are needed\n${all}`,
  );
  const { begun, ended, beside } = testimonyOf(bed.witness, work.key);
  assert.deepEqual(beside, [], `${work.key}: a process lives beside its repetition`);
  assert.equal(begun.length, attempts, `${work.key}: begun ${begun.join(', ')}`);
  assert.equal(ended.at(-1), begun.at(-1), `${work.key}: the last process came to its end`);
  for (const build of builds) await expectLog(bed, work.key, build);
}

/**
 * Waits for the end of a work whose attempts were lost at any moment, also before a process of theirs had begun: all but
 * the last are RETRY, and no process lived beside another.
 */
export async function expectDoneSomehow(bed: Bed, work: Work): Promise<void> {
  const { result } = await bed.api.finished(work.buildset);
  const builds = await bed.attempts(work);
  const all = builds.map(describeBuild).join('\n');
  assert.equal(result, 'SUCCESS', `${work.key}\n${all}`);
  const results = builds.map((build) => build.result);
  assert.deepEqual(results, [...results.slice(1).map(() => 'RETRY'), 'SUCCESS'], all);
  const { begun, ended, beside } = testimonyOf(bed.witness, work.key);
  assert.deepEqual(beside, [], `${work.key}: a process lives beside its repetition`);
  assert.ok(begun.length <= builds.length, `${work.key}: begun ${begun.join(', ')}\n${all}`);
  assert.deepEqual(ended, begun.slice(-1), `${work.key}: only the last process came to its end`);
  for (const build of builds) await expectLog(bed, work.key, build);
}

/** The log of a build's work is what its process printed; of one that was lost, the beginning of that. */
export async function expectLog(bed: Bed, key: string, build: Build): Promise<void> {
  const step = build.steps.find(({ name }) => name === 'work');
  if (step?.pid == null) return;
  const printed = printedBy(bed.witness, key, step.pid);
  const lines = (await bed.api.lines(step)).filter(({ stream }) => stream === 'stdout').map(({ text }) => text);
  if (build.result === 'SUCCESS') {
    assert.equal(lines.join('\n'), printed.trimEnd(), `${key}: the log of build ${build.id} is what was printed`);
    return;
  }
  // It was killed between the two places that it prints to: at most one piece is in the log only.
  const known = lines.slice(0, printed.split('\n').length - 1).join('\n');
  assert.ok(printed.startsWith(known), `${key}: the log of lost build ${build.id} begins as what was printed`);
}

/** Nobody held the lock `tree` (3) beside an exclusive holder, nor were there too many. */
export function expectLocksKept(intervals: readonly Interval[]): void {
  const named = (wanted: string) => intervals.filter(({ name }) => name === wanted);
  assert.ok(mostTogether(named('counting')) <= 3, 'no more than three counting holders');
  assert.deepEqual(overlaps(named('exclusive'), intervals), [], 'an exclusive holder is alone');
}

/** Nothing is left: no process, no lock, no slot, no alarm but `known` kinds; and the state of the master is sound. */
export async function expectClean(bed: Bed, known: readonly string[] = []): Promise<void> {
  const { locks, workers, status, requests } = await bed.api.snapshot();
  assert.deepEqual(
    locks.flatMap(({ name, holders, waiters }) => [...holders, ...waiters].map(() => name)),
    [],
    'locks that are held or waited for',
  );
  assert.deepEqual(
    workers.flatMap(({ buildIds }) => buildIds),
    [],
    'builds that have a slot',
  );
  assert.deepEqual([status.runningBuilds, status.pendingRequests, requests], [0, 0, []]);
  assert.deepEqual(
    status.alarms.filter(({ kind }) => !known.includes(kind)),
    [],
  );
  await expectNoProcess(bed);
  await expectSound(bed.ground, bed.master.directory);
}

/** No process of a step lives. */
async function expectNoProcess(bed: Bed): Promise<void> {
  await eventually('no process of a step to live', () => {
    const left = processesOf(bed.witness).filter(({ command }) => command.startsWith('sh -c'));
    return left.length === 0 ? true : null;
  });
}

/** `icefall verify` finds nothing. */
export async function expectSound(ground: Bed['ground'], directory: string): Promise<void> {
  const { code, stdout, stderr } = await new TestCli(ground).run('--json', 'verify', directory);
  assert.equal(code, 0, `icefall verify: ${stdout}${stderr}`);
}
