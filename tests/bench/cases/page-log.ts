import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Build, Log, LogLines } from '@icefall/shared';
import { type BenchCase, type BenchContext, BenchError } from '../bench-case.ts';
import { type Figure, higher, lower, median } from '../figures.ts';
import { BenchBrowser } from '../site/bench-browser.ts';
import { BenchSite } from '../site/bench-site.ts';
import { oneBuilder } from '../site/programs.ts';

const LINE_BYTES = 50;
const TRIALS = 9;
const LOADS = 5;
const POLL_MS = 100;
/** Stands in so many lines, in even distances. */
const RARE = 'a-word-of-rarity';
const RARE_LINES = 8;
/** What a step prints as fast as this is looked at for so long. */
const LINES_PER_S = 50_000;
const WATCHED_S = 15;

/** The page on a log of half a gigabyte, and on one that grows very fast. */
export const pageLog: BenchCase = {
  name: 'page-log',
  title: 'the page, on long logs',
  async run(context) {
    const lines = context.quick ? 100_000 : 10_000_000;
    const watchedS = context.quick ? 2 : WATCHED_S;
    return {
      conditions:
        `${lines} lines of ${LINE_BYTES} bytes; headless Chromium, 1280 × 800, nothing cached, median of ${LOADS} loads, ` +
        `answers: of ${TRIALS}; a word that stands in ${RARE_LINES} lines, evenly; a step that prints ${LINES_PER_S} lines/s, watched for ${watchedS} s`,
      figures: [...(await ofLongLog(context, lines)), ...(await ofFastLog(context, watchedS))],
    };
  },
};

async function ofLongLog({ directory, say }: BenchContext, lines: number): Promise<Figure[]> {
  const path = join(directory, 'lines.txt');
  writeLines(path, lines);
  await using site = await BenchSite.start(
    join(directory, 'long'),
    oneBuilder({ workers: ['w1'], maxBuilds: 1, steps: [['cat', path]] }),
  );
  await site.startWorkers(['w1']);
  await site.succeeded((await site.force('force')).id, POLL_MS);
  const log = await onlyLog(site);
  say(`a log of ${log.lines} lines and ${log.bytes} bytes`);
  const line = Math.round(log.lines * 0.7654);
  const answers: number[] = [];
  for (let i = 0; i < TRIALS; i += 1) {
    const begun = performance.now();
    const piece = await site.client.get<LogLines>(`/logs/${log.id}/lines?first=${line}&limit=500`);
    answers.push(performance.now() - begun);
    if (piece.first !== line) throw new BenchError(`line ${line} was asked for, and ${piece.first} came`);
  }
  const search = await timeSearch(site, log.id, RARE);
  await using browser = await BenchBrowser.start();
  const opened: number[] = [];
  for (let i = 0; i < LOADS; i += 1) {
    await using page = await browser.open(
      `${site.url}/logs/${log.id}#L${line}`,
      `[data-line="${line}"]:not(.missing) .line-text`,
    );
    opened.push(await page.paintedMs());
  }
  return [
    lower({ name: 'a permalinked line painted', unit: 'ms', value: median(opened) }),
    lower({ name: '500 lines around it, from the master', unit: 'ms', value: median(answers) }),
    lower({ name: 'search for a rare word, first hit', unit: 'ms', value: search.firstMs }),
    lower({ name: 'search for a rare word, all of the log', unit: 's', value: search.allMs / 1000 }),
  ];
}

async function onlyLog(site: BenchSite): Promise<Log> {
  const build = await site.client.get<Build>('/builders/one/builds/1');
  const log = build.steps[0]?.logs[0];
  if (log === undefined) throw new BenchError('the step has no log');
  return log;
}

/** Throws {@link BenchError} where not every line with the word is found. */
async function timeSearch(site: BenchSite, id: number, word: string): Promise<{ firstMs: number; allMs: number }> {
  const begun = performance.now();
  let firstMs = 0;
  let text = '';
  for await (const chunk of await site.client.open('GET', `/logs/${id}/search?q=${word}`)) {
    text += String(chunk);
    if (firstMs === 0 && /"hits":\[\d/.test(text)) firstMs = performance.now() - begun;
  }
  const allMs = performance.now() - begun;
  const hits = [...text.matchAll(/"hits":\[([\d,]+)\]/g)].flatMap(([, list = '']) => list.split(','));
  if (hits.length !== RARE_LINES) throw new BenchError(`${hits.length} of ${RARE_LINES} lines were found`);
  return { firstMs, allMs };
}

async function ofFastLog({ directory, say }: BenchContext, watchedS: number): Promise<Figure[]> {
  const program = oneBuilder({ workers: ['w1'], maxBuilds: 1, steps: [['node', '-e', printing(watchedS + 10)]] });
  await using site = await BenchSite.start(join(directory, 'fast'), program);
  await site.startWorkers(['w1']);
  const { id } = await site.force('force');
  const hasLog = ({ builds }: { builds: readonly Build[] }) => builds[0]?.steps[0]?.logs[0] !== undefined;
  await site.client.until('/builds?limit=1', hasLog, POLL_MS, 60_000);
  const log = await onlyLog(site);
  await using browser = await BenchBrowser.start();
  await using page = await browser.open(`${site.url}/logs/${log.id}`, '.line:not(.missing) .line-text');
  await page.longestTaskMs();
  const before = await site.client.get<Log>(`/logs/${log.id}`);
  const begun = performance.now();
  await pause(watchedS * 1000);
  const after = await site.client.get<Log>(`/logs/${log.id}`);
  const rate = (after.lines - before.lines) / ((performance.now() - begun) / 1000);
  const task = await page.longestTaskMs();
  const behind = after.lines - (await page.newestLine());
  say(`${rate.toFixed(0)} lines/s came`);
  await site.succeeded(id, POLL_MS);
  return [
    higher({ name: 'lines of a step that prints fast', unit: '/s', value: rate }),
    lower({ name: 'longest task of the page that follows it', unit: 'ms', value: task }),
    lower({ name: 'the page is behind by', unit: 'lines', value: Math.max(0, behind) }),
    lower({ name: "page's heap then", unit: 'MiB', value: await page.heapMib() }),
  ];
}

/** A program that prints lines at an even rate. */
function printing(seconds: number): string {
  const perTick = LINES_PER_S / 20;
  return `let n = 0; const begun = Date.now();
const timer = setInterval(() => {
  const due = Math.min(${LINES_PER_S * seconds}, Math.floor((Date.now() - begun) / 50) * ${perTick});
  let text = '';
  for (; n < due; n += 1) text += n + ' compiling a file of the project with its options\\n';
  process.stdout.write(text);
  if (n >= ${LINES_PER_S * seconds}) clearInterval(timer);
}, 50);`;
}

/** Lines that differ as those of real programs do, the rare word in some. */
function writeLines(path: string, lines: number): void {
  const fd = openSync(path, 'w');
  const words = ['compile', 'link', 'warning', 'src/module', 'object', 'install', 'test', 'passed', 'cache', 'main.cc'];
  const phrases = Array.from({ length: 997 }, (_, i) =>
    [i % 10, (i * 7) % 9, (i * 3) % 8].map((k) => words[k]).join(' '),
  );
  const every = Math.floor(lines / RARE_LINES);
  for (let line = 0; line < lines; ) {
    let text = '';
    for (let i = 0; i < 10_000 && line < lines; i += 1, line += 1) {
      const phrase = line % every === every - 1 ? RARE : (phrases[(line * 31) % 997] ?? '');
      text += `${`${line} ${phrase}`.padEnd(LINE_BYTES - 1, '.').slice(0, LINE_BYTES - 1)}\n`;
    }
    writeSync(fd, text);
  }
  closeSync(fd);
}
