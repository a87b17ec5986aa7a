import { strict as assert } from 'node:assert';
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { changeSchema } from '@icefall/shared';
import { eventually } from '../../support/eventually.ts';
import type { TestGround } from '../../support/ground.ts';
import { Bed } from '../bed.ts';
import { expectClean, expectUntouched } from '../checks.ts';
import type { Run, Scenario } from '../scenario.ts';
import { expectEachBuiltOnce } from './master.ts';

/** Of the small disk: room for a fresh master, not for much more. */
const DISK_MIB = 48;
/** What the ballast leaves when the disk is to fill up. */
const LEFT_BYTES = 64 * 1024;

/** Told while the disk is full, and again afterwards. */
const PUSHES = 10;

/** A disk of its own, small, below the ground; unmounted with it. */
function smallDisk(ground: TestGround): string {
  const directory = ground.path('disk');
  mkdirSync(directory);
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_MIB}m`, 'tmpfs', directory], { stdio: 'pipe' });
  ground.atEnd(() => execFileSync('umount', ['-l', directory], { stdio: 'pipe' }));
  return directory;
}

/** Whether a disk can be mounted here: why not, or null. */
function cannotMount(): string | null {
  if (process.getuid?.() !== 0) return 'only root can mount a small disk';
  try {
    execFileSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', '/mnt'], { stdio: 'pipe' });
    return null;
  } catch (error) {
    return `a small disk cannot be mounted: ${error instanceof Error ? error.message.trim() : String(error)}`;
  }
}

/** Fills a disk but for {@link LEFT_BYTES}; gives what removes the ballast. */
function fill(disk: string): () => void {
  const { bavail, bsize } = statfsSync(disk);
  const ballast = join(disk, 'ballast');
  writeFileSync(ballast, Buffer.alloc(Math.max(0, bavail * bsize - LEFT_BYTES)));
  return () => rmSync(ballast);
}

function isFull(disk: string): boolean {
  const { bavail, bsize } = statfsSync(disk);
  return bavail * bsize < 16 * 1024;
}

async function masterFull({ ground, seed }: Run): Promise<void> {
  const disk = smallDisk(ground);
  const bed = await Bed.make(ground, seed, { masterDirectory: join(disk, 'master') });
  await bed.worker('steady');
  const works = [await bed.running('talks'), await bed.running('talks'), await bed.running('silent')];
  const empty = fill(disk);
  await eventually("the master's disk to be full", () => (isFull(disk) ? true : null));
  const changes = await pushAll(bed);
  await bed.moment(0, 1500);
  if (bed.dice.chance(0.5)) bed.openGate();
  await bed.moment(0, 1000);
  empty();
  await bed.moment(0, 500);
  bed.openGate();
  for (const { pid, ...work } of works) await expectUntouched(bed, work, pid);
  changes.push(...(await pushAll(bed)));
  await expectEachBuiltOnce(bed, changes);
  await bed.api.waitFor('the alarms to end', async () => {
    const { status } = await bed.api.snapshot();
    return status.alarms.length === 0 ? true : null;
  });
  await expectClean(bed);
}

/** Tells of pushes; gives the changes of those that were accepted. What is refused must be refused as it is promised. */
async function pushAll(bed: Bed): Promise<number[]> {
  const accepted: number[] = [];
  for (let n = 1; n <= PUSHES; n += 1) {
    const push = { repository: 'r', branch: 'main', revision: `r${Math.floor(bed.dice.next() * 1e9)}`, files: ['f'] };
    const { status, body } = await bed.api.ask('POST', '/api/v1/changes', push);
    if (status === 200) accepted.push(changeSchema.parse(body).id);
    else assert.equal(status, 503, JSON.stringify(body));
  }
  return accepted;
}

async function workerFull({ ground, seed }: Run): Promise<void> {
  const disk = smallDisk(ground);
  const bed = await Bed.make(ground, seed);
  await bed.worker('steady', { directory: join(disk, 'worker') });
  const works = [await bed.running('talks'), await bed.running('silent')];
  // While the master is away nothing of the journal can be given up.
  await bed.wire.cut();
  const empty = fill(disk);
  await eventually("the worker's disk to be full", () => (isFull(disk) ? true : null));
  await bed.moment(0, 1500);
  const mendedFirst = bed.dice.chance(0.5);
  if (mendedFirst) await bed.wire.mend();
  // What ends on a full disk has an outcome that must be kept.
  if (bed.dice.chance(0.5)) bed.openGate();
  await bed.moment(0, 1000);
  empty();
  await bed.moment(0, 500);
  if (!mendedFirst) await bed.wire.mend();
  bed.openGate();
  for (const { pid, ...work } of works) await expectUntouched(bed, work, pid);
  await expectClean(bed);
}

export const diskScenarios: readonly Scenario[] = [
  {
    name: 'disk-full-master',
    title: "the master's disk is full for a while: nothing of what runs is lost",
    skipped: cannotMount,
    run: masterFull,
  },
  {
    name: 'disk-full-worker',
    title: "a worker's disk is full for a while: its steps wait, and nothing is lost",
    skipped: cannotMount,
    run: workerFull,
  },
];
