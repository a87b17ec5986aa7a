import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type BenchCase, BenchError } from '../bench-case.ts';
import { type Figure, lower, median, quantile } from '../figures.ts';
import { BenchBrowser } from '../site/bench-browser.ts';
import { BenchSite } from '../site/bench-site.ts';
import { copyLongHistory, LONG_EVERY_MS } from '../site/long-history.ts';
import { manyBuilders } from '../site/programs.ts';
import { MANY_STEPS } from '../site/written-history.ts';

const BUILDERS = 200;
const TRIALS = 9;
const LOADS = 5;
/** What the page asks for; see master/web/src/store/index.ts. */
const FIRST = '/snapshot?hours=24&builds=150';
const PAGE = '/builds?limit=150';
/** Of a quick turn of the wheel: some 7000 a second. */
const PIXELS_PER_FRAME = 120;

/** An hour of scrolling is more than anybody does; its memory must not tell how long it was. */
const TIMES_MORE = 10;
/** What comes in keeps up with this, and nobody reads at this speed. */
const FAST_PIXELS_PER_FRAME = 600;

/** The page on a master with a million builds. */
export const pageHistory: BenchCase = {
  name: 'page-history',
  title: 'the page, on a very long history',
  async run({ quick, directory, say }) {
    const builds = quick ? 10_000 : 1_000_000;
    const scrolled = quick ? 500 : 10_000;
    mkdirSync(join(directory, 'master'), { recursive: true });
    copyLongHistory(join(directory, 'master', 'icefall.db'), { builds, builders: BUILDERS, say });
    await using site = await BenchSite.start(directory, manyBuilders(BUILDERS));
    const figures = [
      ...(await askServer(site, builds)),
      ...(await lookAt(site, scrolled, say)),
      lower({ name: 'master start', unit: 'ms', value: site.startedInMs }),
    ];
    return {
      conditions:
        `${builds} builds of ${BUILDERS} builders, one each ${LONG_EVERY_MS / 1000} s, the newest with ${MANY_STEPS} steps; ` +
        `answers: median of ${TRIALS}; headless Chromium, 1280 × 800, nothing cached, median of ${LOADS} loads; ` +
        `${scrolled} builds scrolled by ${PIXELS_PER_FRAME} pixels a frame`,
      figures,
    };
  },
};

async function askServer(site: BenchSite, builds: number): Promise<Figure[]> {
  const first = await answerTo(site, FIRST);
  const middle = await answerTo(site, `${PAGE}&before=${Math.round(builds / 2)}`);
  const time = Date.now() - (builds / 2) * LONG_EVERY_MS;
  const jump = await answerTo(site, `${PAGE}&startedBefore=${Math.round(time)}`);
  const whole = await answerTo(site, '/snapshot?hours=24');
  return [
    lower({ name: "the waterfall's first data", unit: 'ms', value: first.ms }),
    lower({ name: "the waterfall's first data, uncompressed", unit: 'kB', value: first.bytes / 1000 }),
    lower({ name: 'older builds, 150 of the middle', unit: 'ms', value: middle.ms }),
    lower({ name: 'builds at a time, of the middle', unit: 'ms', value: jump.ms }),
    lower({ name: 'all of 24 hours at once, which the page asks for no more', unit: 'ms', value: whole.ms }),
  ];
}

async function answerTo(site: BenchSite, path: string): Promise<{ ms: number; bytes: number }> {
  const times: number[] = [];
  let bytes = 0;
  for (let i = 0; i < TRIALS; i += 1) {
    const begun = performance.now();
    bytes = (await text(await site.client.open('GET', path))).length;
    times.push(performance.now() - begun);
    if (bytes < 1000) throw new BenchError(`GET ${path} gave hardly anything`);
  }
  return { ms: median(times), bytes };
}

async function lookAt(site: BenchSite, scrolled: number, say: (text: string) => void): Promise<Figure[]> {
  await using browser = await BenchBrowser.start();
  const painted: number[] = [];
  for (let i = 0; i < LOADS; i += 1) {
    await using loaded = await browser.open(site.url, 'article[data-build-id]');
    painted.push(await loaded.paintedMs());
  }
  await using page = await browser.open(site.url, 'article[data-build-id]');
  const heapBefore = await page.heapMib();
  await page.longestTaskMs();
  const { builds, frames } = await page.scroll(scrolled, PIXELS_PER_FRAME);
  const task = await page.longestTaskMs();
  const heapAfter = await page.heapMib();
  say(`${builds} builds went by in ${frames.length} frames`);
  await page.scroll(scrolled, PIXELS_PER_FRAME);
  const heapThen = await page.heapMib();
  const far = await page.scroll(TIMES_MORE * scrolled, FAST_PIXELS_PER_FRAME);
  say(`${far.builds} more went by in ${far.frames.length} frames`);
  return [
    lower({ name: 'first builds painted', unit: 'ms', value: median(painted) }),
    lower({ name: 'frame while scrolling, median', unit: 'ms', value: median(frames) }),
    lower({ name: 'frame while scrolling, 95 of 100 within', unit: 'ms', value: quantile(frames, 0.95) }),
    lower({ name: 'longest task while scrolling', unit: 'ms', value: task }),
    lower({ name: "page's heap, first builds", unit: 'MiB', value: heapBefore }),
    lower({ name: "page's heap, after scrolling", unit: 'MiB', value: heapAfter }),
    lower({ name: "page's heap, after as many again", unit: 'MiB', value: heapThen }),
    lower({ name: `page's heap, after ${TIMES_MORE} times as many`, unit: 'MiB', value: await page.heapMib() }),
  ];
}
