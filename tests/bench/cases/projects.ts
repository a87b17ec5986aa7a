import { join } from 'node:path';
import type { Builder, Project } from '@icefall/shared';
import { type BenchCase, BenchError } from '../bench-case.ts';
import { lower, median } from '../figures.ts';
import { BenchSite } from '../site/bench-site.ts';
import { memoryMib } from '../site/processes.ts';
import { projectsProgram, WrittenProjects } from '../site/written-projects.ts';

const POLL_MS = 50;
const SEED_WITHIN_MS = 900_000;
const [CHANGED, REMOVED] = [10, 5];

/** As many projects as Wikimedia had repositories, each of which declares its own pipeline. */
export const projects: BenchCase = {
  name: 'projects',
  title: '1,080 repositories with a pipeline of their own',
  async run({ quick, directory, say }) {
    const count = quick ? 40 : 1080;
    const written = new WrittenProjects(join(directory, 'repositories'));
    for (let i = 0; i < count; i += 1) written.write(i);
    say(`${count} repositories are written`);
    const seeded = await seed(directory, written, count);
    await using site = await BenchSite.start(directory, projectsProgram(written, count));
    const { startedInMs } = site;
    await hasBuilders(site, count);
    await site.startWorkers(['w1', 'w2']);
    const forced = await forces(site, count, quick ? 3 : 20);
    const unchanged = await timed(() => site.client.post('/reload'));
    for (let i = 0; i < CHANGED; i += 1) written.write(i, 1);
    const changed = await timed(() =>
      Promise.all(Array.from({ length: CHANGED }, (_, i) => site.client.post(`/projects/project${i}/read`))),
    );
    await site.succeeded((await site.force('project0-force')).id, POLL_MS);
    BenchSite.declare(directory, projectsProgram(written, count - REMOVED));
    const removed = await timed(() => site.client.post('/reload'));
    await hasBuilders(site, count - REMOVED);
    const list = await timed(() => site.client.get('/projects'));
    const ms = (name: string, value: number) => ({ name, unit: 'ms' as const, value });
    return {
      conditions: `${count} repositories on the master's disk; a builder, a scheduler and a force scheduler each; 2 workers with half of them each. Buildbot's figures are of as many builders in its own configuration`,
      figures: [
        lower(ms('start, nothing known', seeded.startedInMs), { buildbot37: 43_000, buildbot43: 35_000 }),
        lower(ms('all repositories read', seeded.readInMs)),
        lower(ms('start again, all builders', startedInMs), { buildbot37: 23_000, buildbot43: 35_000 }),
        lower(ms('reload, nothing changed', unchanged), { buildbot37: 18_000, buildbot43: 2300 }),
        lower(ms(`${CHANGED} repositories changed, in force`, changed), { buildbot37: 15_000, buildbot43: 3000 }),
        lower(ms(`reload, ${REMOVED} projects removed`, removed), { buildbot37: 15_000, buildbot43: 3000 }),
        lower(ms('force → finished', forced), { buildbot37: 4200, buildbot43: 7200 }),
        lower(ms('REST: all projects', list)),
        lower({ name: 'master memory', unit: 'MiB', value: memoryMib(site.pid).now }),
      ],
    };
  },
};

/** From an empty database to a builder for each repository. */
async function seed(directory: string, written: WrittenProjects, count: number) {
  const begun = performance.now();
  await using site = await BenchSite.start(directory, projectsProgram(written, count));
  const isDone = ({ projects: all }: { projects: Project[] }) => all.every(({ state }) => state !== 'unread');
  const { projects: all } = await site.client.until<{ projects: Project[] }>(
    '/projects',
    isDone,
    POLL_MS * 4,
    SEED_WITHIN_MS,
  );
  const readInMs = performance.now() - begun;
  const broken = all.find(({ state }) => state === 'broken');
  if (broken !== undefined) throw new BenchError(`${broken.name}: ${broken.errors.join('; ')}`);
  await hasBuilders(site, count);
  return { readInMs, startedInMs: site.startedInMs };
}

async function hasBuilders(site: BenchSite, count: number): Promise<void> {
  const { builders } = await site.client.get<{ builders: Builder[] }>('/builders');
  if (builders.length !== count) throw new BenchError(`there are ${builders.length} builders, not ${count}`);
}

/** Median time from a force to its end seen by REST, over projects that are spread over the site. */
async function forces(site: BenchSite, count: number, trials: number): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < trials; i += 1) {
    const name = `project${Math.floor((i * count) / trials)}-force`;
    times.push(await timed(async () => site.succeeded((await site.force(name)).id, 4)));
  }
  return median(times);
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}
