import type { Status } from '@icefall/shared';
import { type BenchCase, BenchError } from '../bench-case.ts';
import { higher, lower } from '../figures.ts';
import { BenchSite } from '../site/bench-site.ts';
import { cpuMs } from '../site/processes.ts';
import { oneBuilder } from '../site/programs.ts';

const WORKERS = ['w1', 'w2', 'w3', 'w4'];
const POLL_MS = 25;
const WITHIN_MS = 600_000;

/** A queue of trivial builds: how fast it fills, and how fast it is worked off. */
export const builds: BenchCase = {
  name: 'builds',
  title: 'trivial builds',
  async run({ quick, directory }) {
    const program = oneBuilder({ workers: WORKERS, maxBuilds: 4, steps: [['true']] });
    await using site = await BenchSite.start(directory, program);
    const { client, pid } = site;
    await site.startWorkers(WORKERS);
    for (const worker of WORKERS) await client.post(`/workers/${worker}/pause`);
    const count = quick ? 100 : 1000;

    const enqueueBegun = performance.now();
    for (let i = 0; i < count; i += 1) await site.force('force');
    const enqueueS = (performance.now() - enqueueBegun) / 1000;

    const cpuBefore = cpuMs(pid);
    const begun = performance.now();
    for (const worker of WORKERS) await client.post(`/workers/${worker}/resume`);
    const isDone = ({ pendingRequests, runningBuilds }: Status) => pendingRequests + runningBuilds === 0;
    await client.until<Status>('/status', isDone, POLL_MS, WITHIN_MS);
    const drainS = (performance.now() - begun) / 1000;
    const cpu = cpuMs(pid) - cpuBefore;
    await checkAll(site, count);

    return {
      conditions: `${count} queued requests of one \`true\` step, one builder, 4 workers × 4 builds; REST client of one connection`,
      figures: [
        higher(
          { name: 'builds', unit: '/s', value: count / drainS },
          { buildbot37: 4.8, buildbot43: 4.9, laminar: quick ? null : 160 },
        ),
        lower(
          { name: 'master CPU per build', unit: 'ms', value: cpu / count },
          { buildbot37: 171, buildbot43: 184, laminar: 4.1 },
        ),
        higher(
          { name: 'requests queued over REST', unit: '/s', value: count / enqueueS },
          { buildbot37: 23, buildbot43: 28 },
        ),
      ],
    };
  },
};

async function checkAll(site: BenchSite, count: number): Promise<void> {
  const { builds } = await site.client.get<{ builds: { number: number }[] }>('/builds?limit=1&result=SUCCESS');
  const { builds: bad } = await site.client.get<{ builds: unknown[] }>('/builds?limit=1&result=FAILURE');
  if (builds[0]?.number !== count || bad.length > 0)
    throw new BenchError(`${count} builds should have succeeded; the last that did is number ${builds[0]?.number}`);
}
