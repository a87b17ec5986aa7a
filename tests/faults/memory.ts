import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { TestProcess } from '../support/process.ts';

/** What the processes of a soak occupy at one moment. */
export interface Sample {
  readonly atS: number;
  readonly masterMiB: number;
  readonly agentsMiB: readonly number[];
  /** Age of the master's process: a restart begins with little memory. */
  readonly masterAgeS: number;
  readonly databaseMiB: number;
}

/** Memory that a process occupies; 0 between two lives. */
export function residentMiB({ pid }: TestProcess): number {
  try {
    const kib = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return Math.round(Number(kib ?? 0) / 1024);
  } catch {
    // It is no more.
    return 0;
  }
}

/** Of a master's database. */
export function sizeMiB(directory: string): number {
  try {
    return Number((statSync(join(directory, 'master', 'icefall.db')).size / 1024 / 1024).toFixed(1));
  } catch {
    return 0;
  }
}

/** Memory during the longest life of one master: its slope. */
export function longestLife(samples: readonly Sample[]): object | null {
  const end = samples.reduce((one, two) => (two.masterAgeS > one.masterAgeS ? two : one), samples[0] ?? none());
  const life = samples.filter(({ atS }) => atS > end.atS - end.masterAgeS && atS <= end.atS);
  return { seconds: end.masterAgeS, masterMiB: life.map(({ masterMiB }) => masterMiB) };
}

function none(): Sample {
  return { atS: 0, masterMiB: 0, agentsMiB: [], masterAgeS: 0, databaseMiB: 0 };
}
