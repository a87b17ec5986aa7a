import { closeSync, openSync, readSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Build, LogLines } from '@icefall/shared';
import { type BenchCase, type BenchContext, BenchError, type Outcome } from '../bench-case.ts';
import { higher, lower, type Peers } from '../figures.ts';
import { BenchSite } from '../site/bench-site.ts';
import { cpuMs, forgetPeak, memoryMib } from '../site/processes.ts';
import { oneBuilder } from '../site/programs.ts';

const LINE_BYTES = 100;
const MB = 1_000_000;
const POLL_MS = 10;
/** The agent's own lines before the command's output are fewer than this, and that after it is shorter. */
const MOST_HEADER_LINES = 10;
const MOST_TAIL_BYTES = 200;

interface OfSize {
  readonly megabytes: number;
  readonly peers: Readonly<Record<'finished' | 'read' | 'cpu' | 'readCpu' | 'peak' | 'readPeak', Partial<Peers>>>;
}

/** A step that writes a long log as fast as it can. */
function logCase({ megabytes, peers }: OfSize): BenchCase {
  const name = `log${megabytes}`;
  return {
    name,
    title: `log of ${megabytes} MB`,
    run: (context) => measure(context, context.quick ? 5 : megabytes, peers),
  };
}

export const log50 = logCase({
  megabytes: 50,
  peers: {
    finished: { buildbot37: 6.3, buildbot43: 5.1 },
    read: { buildbot37: 5.9, buildbot43: 2.4 },
    cpu: { buildbot37: 16_000, buildbot43: 19_000 },
    ...{ readCpu: { buildbot43: 27_000 }, peak: {}, readPeak: {} },
  },
});

export const log200 = logCase({
  megabytes: 200,
  peers: {
    finished: { buildbot37: 5.6, buildbot43: 4.7, laminar: 117 },
    read: { buildbot37: 5.3, buildbot43: 2.2, laminar: 95 },
    cpu: { buildbot37: 16_000, buildbot43: 19_000, laminar: 850 },
    readCpu: { buildbot43: 27_000 },
    peak: { buildbot37: 298, buildbot43: 320, laminar: 598 },
    readPeak: { buildbot37: 1243, buildbot43: 319 },
  },
});

async function measure({ directory, say }: BenchContext, megabytes: number, peers: OfSize['peers']): Promise<Outcome> {
  const lines = (megabytes * MB) / LINE_BYTES;
  const path = join(directory, 'lines.txt');
  writeLines(path, lines);
  const program = oneBuilder({ workers: ['w1'], maxBuilds: 1, steps: [['cat', path]] });
  await using site = await BenchSite.start(join(directory, 'site'), program);
  await site.startWorkers(['w1']);
  forgetPeak(site.pid);

  const cpuBefore = cpuMs(site.pid);
  const begun = performance.now();
  const { id } = await site.force('force');
  await site.succeeded(id, POLL_MS);
  const finishedS = (performance.now() - begun) / 1000;
  const cpu = cpuMs(site.pid) - cpuBefore;
  const { peak } = memoryMib(site.pid);
  forgetPeak(site.pid);

  const wrong = await readBack(site, path);
  const readS = (performance.now() - begun) / 1000;
  const readCpu = cpuMs(site.pid) - cpuBefore - cpu;
  const { peak: readPeak } = memoryMib(site.pid);
  say(`${megabytes} MB: step ${finishedS.toFixed(2)} s, read back ${(readS - finishedS).toFixed(2)} s`);
  if (wrong !== null) throw new BenchError(wrong);

  const per100 = 100 / megabytes;
  return {
    conditions: `${lines} lines of ${LINE_BYTES} bytes (\`cat\` of a file), one worker; read through the raw log, compared byte by byte`,
    figures: [
      higher({ name: 'until the step is finished', unit: 'MB/s', value: megabytes / finishedS }, peers.finished),
      higher({ name: 'until read back in full', unit: 'MB/s', value: megabytes / readS }, peers.read),
      lower({ name: 'master CPU per 100 MB', unit: 'ms', value: cpu * per100 }, peers.cpu),
      lower({ name: 'master CPU to read 100 MB', unit: 'ms', value: readCpu * per100 }, peers.readCpu),
      lower({ name: 'master memory, peak while it comes', unit: 'MiB', value: peak }, peers.peak),
      lower({ name: 'master memory, peak while it is read', unit: 'MiB', value: readPeak }, peers.readPeak),
    ],
  };
}

/** Every line is another: one that is lost, doubled or out of place is seen. */
function writeLines(path: string, lines: number): void {
  const fd = openSync(path, 'w');
  const filler = 'x'.repeat(LINE_BYTES - 1);
  for (let line = 0; line < lines; ) {
    let text = '';
    for (let i = 0; i < 10_000 && line < lines; i += 1, line += 1)
      text += `${`${line} ${filler}`.slice(0, LINE_BYTES - 1)}\n`;
    writeSync(fd, text);
  }
  closeSync(fd);
}

/** Reads the raw log and compares what the command wrote with the file; gives what is wrong, or null. */
async function readBack(site: BenchSite, path: string): Promise<string | null> {
  const build = await site.client.get<Build>('/builders/one/builds/1');
  const log = build.steps[0]?.logs[0];
  if (log === undefined) return 'the step has no log';
  const { lines } = await site.client.get<LogLines>(`/logs/${log.id}/lines?first=0&limit=${MOST_HEADER_LINES}`);
  const firstOfCommand = lines.findIndex(({ stream }) => stream !== 'header');
  const head = lines.slice(0, firstOfCommand).map(({ text }) => `${text}\n`);
  let skip = Buffer.byteLength(head.join(''));
  const size = statSync(path).size;
  const tail = log.bytes - skip - size;
  if (tail < 0 || tail > MOST_TAIL_BYTES) return `the log has ${log.bytes} bytes, of which the command wrote ${size}`;

  const fd = openSync(path, 'r');
  let at = 0;
  try {
    for await (const chunk of await site.client.open('GET', `/logs/${log.id}/raw`)) {
      const got = (chunk as Buffer).subarray(skip);
      skip -= Math.min(skip, (chunk as Buffer).length);
      const expected = Buffer.allocUnsafe(Math.min(got.length, size - at));
      readSync(fd, expected, 0, expected.length, at);
      if (!got.subarray(0, expected.length).equals(expected)) return `the log differs from the output near byte ${at}`;
      at += expected.length;
    }
  } finally {
    closeSync(fd);
  }
  return at === size ? null : `the raw log ends after ${at} of ${size} bytes`;
}
