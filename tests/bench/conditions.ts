import { closeSync, fdatasyncSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';
import { join } from 'node:path';
import { median } from './figures.ts';

/** Where it was measured. */
export interface Conditions {
  readonly at: string;
  readonly node: string;
  readonly system: string;
  readonly cores: number;
  readonly processor: string;
  readonly memoryGib: number;
  /** Processes that ran or wanted to, in the last minute: what else the machine did. */
  readonly loadBefore: number;
  /** Median of a small append made durable on the disk that is used, ms. */
  readonly syncMs: number;
}

const SYNCS = 100;

/** Looks at the machine, and at the disk that the directory is on. */
export function conditionsIn(directory: string): Conditions {
  return {
    at: new Date().toISOString(),
    node: process.version,
    system: systemName(),
    cores: availableParallelism(),
    processor: cpus()[0]?.model ?? 'unknown',
    memoryGib: totalmem() / 1024 ** 3,
    loadBefore: loadavg()[0] ?? Number.NaN,
    syncMs: syncCost(directory),
  };
}

function systemName(): string {
  try {
    return /^PRETTY_NAME="(.*)"$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? process.platform;
  } catch {
    return process.platform;
  }
}

function syncCost(directory: string): number {
  const path = join(directory, 'sync');
  const fd = openSync(path, 'w');
  const times: number[] = [];
  for (let i = 0; i < SYNCS; i += 1) {
    const begun = performance.now();
    writeSync(fd, 'x'.repeat(4096));
    fdatasyncSync(fd);
    times.push(performance.now() - begun);
  }
  closeSync(fd);
  rmSync(path);
  return median(times);
}

/** Clock ticks in /proc/stat: see proc(5). */
const TICKS_PER_SECOND = 100;

/** Watches what others on the machine do meanwhile: a figure of a busy machine is no figure of a quiet one. */
export class OthersWatch {
  readonly #begun = performance.now();
  readonly #before = othersSeconds();

  /** Cores that other programs kept busy since the beginning. */
  cores(): number {
    return Math.max(0, othersSeconds() - this.#before) / ((performance.now() - this.#begun) / 1000);
  }
}

/** Processor time used on this machine so far by all but this process and its children that have ended. */
function othersSeconds(): number {
  const [, user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = numbers('/proc/stat');
  const own = readFileSync('/proc/self/stat', 'latin1');
  const [utime = 0, stime = 0, cutime = 0, cstime = 0] = own
    .slice(own.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 15)
    .map(Number);
  return (user + nice + system + irq + softirq + steal - utime - stime - cutime - cstime) / TICKS_PER_SECOND;
}

/** The numbers in a file's first line. */
function numbers(path: string): number[] {
  const [line = ''] = readFileSync(path, 'latin1').split('\n', 1);
  return line.split(/\s+/).map(Number);
}
