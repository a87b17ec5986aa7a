import type { Build } from '@icefall/shared';
import type { BenchCase } from '../bench-case.ts';
import { higher, lower } from '../figures.ts';
import { BenchSite } from '../site/bench-site.ts';
import { cpuMs } from '../site/processes.ts';
import { oneBuilder } from '../site/programs.ts';

const POLL_MS = 25;

/** One build of many trivial steps, one after the other. */
export const steps: BenchCase = {
  name: 'steps',
  title: 'trivial steps',
  async run({ quick, directory }) {
    const count = quick ? 40 : 200;
    const program = oneBuilder({
      workers: ['w1'],
      maxBuilds: 1,
      steps: Array.from({ length: count }, () => ['true']),
    });
    await using site = await BenchSite.start(directory, program);
    await site.startWorkers(['w1']);
    const cpuBefore = cpuMs(site.pid);
    const { id } = await site.force('force');
    await site.succeeded(id, POLL_MS);
    const cpu = cpuMs(site.pid) - cpuBefore;
    const { startedAt, finishedAt } = await site.client.get<Build>('/builders/one/builds/1');
    const seconds = ((finishedAt ?? Number.NaN) - startedAt) / 1000;
    return {
      conditions: `one build of ${count} \`true\` steps, one worker; times of the build's own record`,
      figures: [
        higher({ name: 'steps', unit: '/s', value: count / seconds }, { buildbot37: 10.4, buildbot43: 7.0 }),
        lower({ name: 'master CPU per step', unit: 'ms', value: cpu / count }, { buildbot37: 40, buildbot43: 78 }),
      ],
    };
  },
};
