import { setTimeout as pause } from 'node:timers/promises';
import type { BenchCase } from '../bench-case.ts';
import { lower } from '../figures.ts';
import { BenchSite } from '../site/bench-site.ts';
import { memoryMib } from '../site/processes.ts';
import { oneBuilder } from '../site/programs.ts';

/** What the start left behind has been collected by then. */
const SETTLE_MS = 2000;

/** What a master takes before it has done anything. */
export const memory: BenchCase = {
  name: 'memory',
  title: 'an empty master',
  async run({ directory }) {
    const program = oneBuilder({ workers: ['w1'], maxBuilds: 1, steps: [['true']] });
    await using site = await BenchSite.start(directory, program);
    await pause(SETTLE_MS);
    return {
      conditions: `one builder, no worker connected, ${SETTLE_MS / 1000} s after its start; resident memory`,
      figures: [
        lower(
          { name: 'master memory', unit: 'MiB', value: memoryMib(site.pid).now },
          { buildbot37: 93, buildbot43: 91 },
        ),
        lower({ name: 'start, empty database', unit: 'ms', value: site.startedInMs }),
      ],
    };
  },
};
