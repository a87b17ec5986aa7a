import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '../../support/eventually.ts';
import type { Line } from '../bad-wire.ts';
import { Bed } from '../bed.ts';
import { expectClean, expectDone, expectUntouched } from '../checks.ts';
import type { Run, Scenario } from '../scenario.ts';

/** Longer than either side takes a silent peer for living, and looks. */
const SILENCE_MS = 36_000;
/** Limit for what takes a silence. */
const SILENCE_LIMIT_MS = 90_000;

/** One step that prints and one that does not run while the link is in trouble; both go on as if nothing had been. */
async function throughTrouble({ ground, seed }: Run, trouble: (bed: Bed) => Promise<void>): Promise<void> {
  const bed = await Bed.make(ground, seed);
  await bed.worker('steady');
  const works = [await bed.running('talks'), await bed.running('silent')];
  await bed.moment(0, 500);
  await trouble(bed);
  await bed.moment(0, 500);
  bed.openGate();
  await bed.api.waitFor(
    'the end of both',
    async () => {
      const ends = await Promise.all(works.map(({ buildset }) => bed.api.buildset(buildset.id)));
      return ends.every(({ finishedAt }) => finishedAt !== null) ? true : null;
    },
    SILENCE_LIMIT_MS,
  );
  for (const { pid, ...work } of works) await expectUntouched(bed, work, pid);
  await expectClean(bed);
}

async function shortCuts(bed: Bed): Promise<void> {
  for (let i = bed.dice.int(1, 4); i > 0; i -= 1) {
    await bed.wire.cut();
    await bed.moment(0, 1000);
    await bed.wire.mend();
    await bed.moment(0, 600);
  }
}

async function longCut(bed: Bed, longMs: number): Promise<void> {
  await bed.wire.cut();
  // The step may end while it is away.
  await delay(longMs / 2);
  if (bed.dice.chance(0.3)) bed.openGate();
  await delay(longMs / 2);
  await bed.wire.mend();
}

async function stall(bed: Bed, ms: number): Promise<void> {
  bed.wire.stall();
  await delay(ms);
  bed.wire.flow();
}

async function late(bed: Bed): Promise<void> {
  const { dice } = bed;
  bed.wire.latencyMs = () => dice.int(1, 150);
  await delay(2000);
  await bed.wire.cut();
  await bed.wire.mend();
  await delay(2000);
}

/** What the worker sent last on the old connection comes while the new one is in use. */
async function lateOutput(bed: Bed): Promise<void> {
  for (let i = 0; i < 3; i += 1) {
    const [old] = bed.wire.lines;
    if (old === undefined) throw new Error('there is no connection');
    old.up.hold();
    await eventually('output to be held', () => (old.up.held > bed.dice.int(1, 20) ? true : null));
    const next = nextLine(bed);
    old.breakAtWorker();
    await next;
    await bed.moment(0, 500);
    old.up.release();
    await bed.moment(0, 500);
  }
}

/**
 * A greeting is under way when the connection breaks; the worker greets anew and is given more to do; then the old
 * greeting comes, which knows nothing of that.
 */
async function lateGreeting({ ground, seed }: Run): Promise<void> {
  const bed = await Bed.make(ground, seed);
  await bed.worker('steady');
  const { pid, ...before } = await bed.running('talks');
  const old = await greetingHeld(bed);
  const next = nextLine(bed);
  old.breakAtWorker();
  await next;
  await bed.api.connected('steady');
  const after = await bed.running(bed.dice.pick(['talks', 'silent']));
  await bed.moment(0, 300);
  old.up.release();
  await bed.moment(200, 1500);
  bed.openGate();
  await expectUntouched(bed, before, pid);
  await expectUntouched(bed, after, after.pid);
  await expectClean(bed);
}

/** Cuts the link; gives the next connection, whose greeting is held. */
async function greetingHeld(bed: Bed): Promise<Line> {
  const next = nextLine(bed);
  await bed.wire.cut();
  await bed.away('steady');
  await bed.wire.mend();
  const line = await next;
  // The first is the request for a WebSocket, which the master answers; the greeting follows.
  line.up.hold(1);
  await eventually('the greeting to be under way', () => (line.up.held > 0 ? true : null));
  return line;
}

function nextLine(bed: Bed): Promise<Line> {
  return new Promise((resolve) => {
    bed.wire.onLine = (line) => {
      bed.wire.onLine = () => undefined;
      resolve(line);
    };
  });
}

async function pastGrace({ ground, seed }: Run, builder: 'brief_talks' | 'brief_silent'): Promise<void> {
  const bed = await Bed.make(ground, seed);
  await bed.worker('brief');
  const work = await bed.running(builder);
  await bed.moment(0, 500);
  await bed.wire.cut();
  await bed.api.waitFor('the attempt to be given up', async () => {
    const [first] = await bed.attempts(work);
    return first?.result === 'RETRY' ? true : null;
  });
  await bed.moment(0, 1000);
  await bed.wire.mend();
  await bed.begun(work, 2);
  await bed.moment(0, 500);
  bed.openGate();
  await expectDone(bed, work, 2);
  await expectClean(bed);
}

export const linkScenarios: readonly Scenario[] = [
  {
    name: 'link-cut-short',
    title: 'a link that is cut for a second, more than once, is no event for what runs',
    run: (run) => throughTrouble(run, shortCuts),
  },
  {
    name: 'link-cut-long',
    title: 'a link that is cut for long, but not past the grace, is no event for what runs',
    run: (run) => throughTrouble(run, (bed) => longCut(bed, run.longMs)),
  },
  {
    name: 'link-cut-past-grace-talking',
    title: 'past its grace an attempt is made again, and the process of the first does not live beside it',
    run: (run) => pastGrace(run, 'brief_talks'),
  },
  {
    name: 'link-cut-past-grace-silent',
    title: 'past its grace a silent attempt is made again, and its process does not live beside it',
    run: (run) => pastGrace(run, 'brief_silent'),
  },
  {
    name: 'link-stalled',
    title: 'a link on which nothing moves for a while is no event',
    run: (run) => throughTrouble(run, (bed) => stall(bed, bed.dice.int(500, 6000))),
  },
  {
    name: 'link-stalled-long',
    title: 'a link on which nothing moves for so long that both sides give it up is no event for what runs',
    slow: true,
    run: (run) => throughTrouble(run, (bed) => stall(bed, SILENCE_MS)),
  },
  {
    name: 'link-half-open-worker',
    title: 'a connection that only the worker believes in is noticed by it, and made anew',
    slow: true,
    run: (run) =>
      throughTrouble(run, async (bed) => {
        bed.wire.halfOpen('master');
        await bed.away('steady');
        await bed.api.waitFor(
          'the worker to come back',
          async () => ((await bed.api.worker('steady')).connected ? true : null),
          SILENCE_LIMIT_MS,
        );
      }),
  },
  {
    name: 'link-half-open-master',
    title: 'a connection that only the master believes in gives way to the new one of the same agent',
    run: (run) =>
      throughTrouble(run, async (bed) => {
        for (let i = bed.dice.int(1, 3); i > 0; i -= 1) {
          const next = nextLine(bed);
          bed.wire.halfOpen('worker');
          await next;
          await bed.moment(0, 800);
        }
      }),
  },
  {
    name: 'link-late',
    title: 'a link with jitter, cut once, loses nothing',
    run: (run) => throughTrouble(run, late),
  },
  {
    name: 'link-reordered-output',
    title: 'what was sent on an old connection and comes after the new one was made does no harm',
    run: (run) => throughTrouble(run, lateOutput),
  },
  {
    name: 'link-reordered-greeting',
    title: 'a greeting that comes after a newer one does no harm to what was begun in between',
    run: lateGreeting,
  },
];
