import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import type { Build } from '@icefall/shared';
import { type BenchCase, BenchError } from '../bench-case.ts';
import { lower, median, quantile } from '../figures.ts';
import { BenchSite } from '../site/bench-site.ts';
import { oneBuilder } from '../site/programs.ts';

const WARM_UP = 5;
const POLL_MS = 4;
/** Between two trials, so that each finds an idle master. */
const REST_MS = 50;

interface Trial {
  readonly answeredMs: number;
  readonly startedMs: number;
  readonly finishedMs: number;
}

/** Latency from a person's click to the process, on an idle site. */
export const dispatch: BenchCase = {
  name: 'dispatch',
  title: 'dispatch latency',
  async run({ quick, directory }) {
    // The process itself says when it began, in nanoseconds.
    const program = oneBuilder({ workers: ['w1'], maxBuilds: 1, steps: [['date', '+%s%N']] });
    await using site = await BenchSite.start(directory, program);
    await site.startWorkers(['w1']);
    const count = quick ? 10 : 60;
    const trials: Trial[] = [];
    for (let i = 0; i < WARM_UP + count; i += 1) {
      const trial = await tryOnce(site, i + 1);
      if (i >= WARM_UP) trials.push(trial);
      await pause(REST_MS);
    }
    const of = (part: keyof Trial) => trials.map((trial) => trial[part]);
    const [started, finished, answered] = [of('startedMs'), of('finishedMs'), of('answeredMs')];
    const figure = (name: string, value: number) => ({ name, unit: 'ms' as const, value });
    return {
      conditions: `idle master, one worker, n = ${count} after ${WARM_UP} to warm up; REST asked every ${POLL_MS} ms`,
      figures: [
        lower(figure('force over REST → process started', median(started)), {
          ...{ buildbot37: 179, buildbot43: 298, laminar: 10.5 },
        }),
        lower(figure('  p95', quantile(started, 0.95)), { buildbot37: 477, buildbot43: 750, laminar: 11.7 }),
        lower(figure('→ finished, seen by REST', median(finished)), { buildbot37: 301, buildbot43: 469 }),
        lower(figure('  p95', quantile(finished, 0.95)), { buildbot37: 409, buildbot43: 1164 }),
        lower(figure('REST answer to the force', median(answered)), { buildbot37: 23, buildbot43: 27 }),
      ],
    };
  },
};

async function tryOnce(site: BenchSite, number: number): Promise<Trial> {
  const begun = tick();
  const clock = performance.now();
  const { id } = await site.force('force');
  const answeredMs = performance.now() - clock;
  await site.succeeded(id, POLL_MS);
  const finishedMs = performance.now() - clock;
  const build = await site.client.get<Build>(`/builders/one/builds/${number}`);
  const log = build.steps[0]?.logs[0];
  if (log === undefined) throw new BenchError(`build ${number} has no log`);
  const [digits] = /\d{19}/.exec(await text(await site.client.open('GET', `/logs/${log.id}/raw`))) ?? [];
  if (digits === undefined) throw new BenchError(`the log of build ${number} does not say when its process began`);
  return { answeredMs, finishedMs, startedMs: Number(BigInt(digits) / 1000n) / 1000 - begun };
}

/** The next whole millisecond of the wall clock, at its beginning: `Date.now()` alone would be half a one early. */
function tick(): number {
  const before = Date.now();
  let now = before;
  while (now === before) now = Date.now();
  return now;
}
