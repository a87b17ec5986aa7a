import { text } from 'node:stream/consumers';
import { type BenchCase, BenchError } from '../bench-case.ts';
import { lower, median } from '../figures.ts';
import { BenchSite } from '../site/bench-site.ts';
import { manyBuilders } from '../site/programs.ts';

const WORKERS = ['w1', 'w2'];
const POLL_MS = 4;

/** A large site: every project has a builder, a scheduler and a force scheduler. */
export const builders: BenchCase = {
  name: 'builders',
  title: '1,080 builders',
  async run({ quick, directory }) {
    const count = quick ? 100 : 1080;
    const first = await firstStart(directory, count);
    await using site = await BenchSite.start(directory, manyBuilders(count));
    await site.startWorkers(WORKERS);
    const forced = await forces(site, count, quick ? 5 : 20);
    const unchanged = await timed(() => site.client.post('/reload'));
    BenchSite.declare(directory, manyBuilders(count + 1));
    const added = await timed(() => site.client.post('/reload'));
    await site.succeeded((await site.force(`project${count}-force`)).id, POLL_MS);
    const list = (path: string) => medianOf(5, () => read(site, path));
    const lists = { builders: await list('/builders'), schedulers: await list('/schedulers') };

    const ms = (name: string, value: number) => ({ name, unit: 'ms' as const, value });
    return {
      conditions: `${count} builders, a branch scheduler and a force scheduler each, 2 workers with half of them each`,
      figures: [
        lower(ms('start, empty database', first), { buildbot37: 43_000, buildbot43: 35_000 }),
        lower(ms('start again', site.startedInMs), { buildbot37: 23_000, buildbot43: 35_000 }),
        lower(ms('reload, nothing changed', unchanged), { buildbot37: 18_000, buildbot43: 2300 }),
        lower(ms('reload, one builder added', added), { buildbot37: 15_000, buildbot43: 3000 }),
        lower(ms('force → finished', forced), { buildbot37: 4200, buildbot43: 7200 }),
        lower(ms('REST: all builders', lists.builders), { buildbot37: 101, buildbot43: 175 }),
        lower(ms('REST: all schedulers', lists.schedulers), { buildbot37: 4305, buildbot43: 3238 }),
      ],
    };
  },
};

async function firstStart(directory: string, count: number): Promise<number> {
  await using site = await BenchSite.start(directory, manyBuilders(count));
  return site.startedInMs;
}

/** Median time from a force to its end seen by REST, over builders that are spread over the site. */
async function forces(site: BenchSite, builders: number, trials: number): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < trials; i += 1) {
    const name = `project${Math.floor((i * builders) / trials)}-force`;
    times.push(await timed(async () => site.succeeded((await site.force(name)).id, POLL_MS)));
  }
  return median(times);
}

async function read(site: BenchSite, path: string): Promise<void> {
  const body = await text(await site.client.open('GET', path));
  if (body.length < 1000) throw new BenchError(`GET ${path} gave hardly anything: ${body}`);
}

async function medianOf(times: number, work: () => Promise<unknown>): Promise<number> {
  const measured: number[] = [];
  for (let i = 0; i < times; i += 1) measured.push(await timed(work));
  return median(measured);
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}
