import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BenchCase, Outcome } from './bench-case.ts';
import { type Conditions, conditionsIn, OthersWatch } from './conditions.ts';
import { type Figure, median, ratioToPeers } from './figures.ts';
import { placeFor } from './place.ts';

export interface BenchOptions {
  readonly cases: readonly BenchCase[];
  readonly quick: boolean;
  /** Times that each case is run; figures are medians. */
  readonly repeat: number;
  readonly say: (text: string) => void;
}

export interface CaseReport {
  readonly name: string;
  readonly title: string;
  readonly conditions: string;
  readonly figures: readonly (Figure & { readonly ratio: number | null; readonly runs: readonly number[] })[];
  /** Cores that other programs of the machine kept busy meanwhile. */
  readonly othersCores: number;
  /** Why there are no figures; null where there are. */
  readonly error: string | null;
}

/** Version of the report's format. */
export const REPORT_VERSION = 1;

export interface Report {
  readonly version: number;
  readonly quick: boolean;
  readonly repeat: number;
  readonly conditions: Conditions;
  readonly cases: readonly CaseReport[];
}

/** Runs the cases one after the other; a case that fails is reported as failed, and the others run. */
export async function runBench({ cases, quick, repeat, say }: BenchOptions): Promise<Report> {
  const directory = mkdtempSync(join(tmpdir(), `icefall-bench-${process.pid}-`));
  const remove = () => rmSync(directory, { recursive: true, force: true });
  process.on('exit', remove);
  try {
    const conditions = conditionsIn(directory);
    const reports: CaseReport[] = [];
    for (const one of cases) {
      say(`${one.name}: ${one.title}`);
      reports.push(await runCase(one, { directory, quick, repeat, say }));
    }
    return { version: REPORT_VERSION, quick, repeat, conditions, cases: reports };
  } finally {
    process.off('exit', remove);
    remove();
  }
}

async function runCase(
  one: BenchCase,
  { directory, quick, repeat, say }: Omit<BenchOptions, 'cases'> & { readonly directory: string },
): Promise<CaseReport> {
  const outcomes: Outcome[] = [];
  const others = new OthersWatch();
  const { name, title } = one;
  try {
    for (let run = 1; run <= repeat; run += 1) {
      const own = placeFor(`${one.name}-${run}`, directory);
      outcomes.push(await one.run({ quick, directory: own, say: (text) => say(`  ${text}`) }));
    }
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    say(`  failed: ${text}`);
    return { name, title, conditions: '', figures: [], othersCores: others.cores(), error: text };
  }
  const [first] = outcomes;
  const figures = (first?.figures ?? []).map((figure, i) => {
    const runs = outcomes.map((outcome) => outcome.figures[i]?.value ?? Number.NaN);
    const whole = { ...figure, value: median(runs) };
    return { ...whole, ratio: ratioToPeers(whole), runs };
  });
  return { name, title, conditions: first?.conditions ?? '', figures, othersCores: others.cores(), error: null };
}
