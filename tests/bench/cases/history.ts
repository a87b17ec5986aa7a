import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { openDatabase } from '@icefall/master/db/database';
import { type BenchCase, BenchError } from '../bench-case.ts';
import { lower, median } from '../figures.ts';
import { BenchSite } from '../site/bench-site.ts';
import { cpuMs, memoryMib } from '../site/processes.ts';
import { manyBuilders } from '../site/programs.ts';
import { writeHistory } from '../site/written-history.ts';

const BUILDERS = 20;
const TRIALS = 9;

/** A master with years of builds behind it. */
export const history: BenchCase = {
  name: 'history',
  title: 'a long history',
  async run({ quick, directory, say }) {
    const builds = quick ? 2000 : 100_000;
    mkdirSync(join(directory, 'master'), { recursive: true });
    const db = openDatabase(join(directory, 'master', 'icefall.db'));
    writeHistory(db, { builds, builders: BUILDERS, now: Date.now() });
    db.close();
    say(`${builds} builds written`);
    await using site = await BenchSite.start(directory, manyBuilders(BUILDERS));
    const cpuBefore = cpuMs(site.pid);
    const ask = (path: string) => medianMs(site, path);
    const ms = (name: string, value: number) => ({ name, unit: 'ms' as const, value });
    const figures = [
      lower(ms('master start', site.startedInMs), { buildbot37: 1800, buildbot43: 1500 }),
      lower(ms('the 40 newest builds', await ask('/builds?limit=40')), { buildbot37: 132, buildbot43: 180 }),
      lower(ms('200 changes', await ask('/changes?limit=200')), { buildbot37: 399, buildbot43: 100 }),
      lower(ms('200 builds of one builder', await ask('/builds?builder=project7&limit=200')), {
        ...{ buildbot37: 19, buildbot43: 66 },
      }),
      lower(ms('all builders', await ask('/builders'))),
      lower(ms('snapshot of 24 hours for the page', await ask('/snapshot?hours=24'))),
    ];
    say(`${cpuMs(site.pid) - cpuBefore} ms of processor time for all answers`);
    return {
      conditions: `${builds} builds of ${BUILDERS} builders with 3 steps each, one every 10 minutes, a change for each; median of ${TRIALS} answers`,
      figures: [...figures, lower({ name: 'master memory', unit: 'MiB', value: memoryMib(site.pid).now })],
    };
  },
};

async function medianMs(site: BenchSite, path: string): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < TRIALS; i += 1) {
    const begun = performance.now();
    const body = await text(await site.client.open('GET', path));
    times.push(performance.now() - begun);
    if (body.length < 1000) throw new BenchError(`GET ${path} gave hardly anything: ${body}`);
  }
  return median(times);
}
