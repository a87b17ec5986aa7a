import { parseArgs } from 'node:util';
import type { BenchCase } from './bench-case.ts';
import { CASES } from './cases/all.ts';

export const HELP = `Measures a master with its workers, each a process of its own, and lays the figures beside Buildbot's.

Usage: npm run bench -- [CASE...] [options]

  --quick        smaller numbers: only to see that all of it works
  --repeat N     runs of each case; figures are medians (default 1)
  --json FILE    writes the report to a file, "-" to standard output instead of the table
  --help

Cases: ${CASES.map(({ name }) => name).join(', ')} (default: all but publish-million)
Cases of the page (page-…) need Chromium: node scripts/setup.mjs --browser.
BENCH_PROFILE=DIRECTORY in the environment keeps a profile (--cpu-prof) of every process there.
`;

export interface RunOptions {
  readonly cases: readonly BenchCase[];
  readonly quick: boolean;
  readonly repeat: number;
  /** A path, `-` for standard output, or null. */
  readonly json: string | null;
}

/** Most runs of one case: more is a mistake in typing. */
const MOST_RUNS = 100;

/** Reads the command line. `help` where that is asked for. Throws an Error that says what is wrong. */
export function parseOptions(argv: readonly string[]): RunOptions | 'help' {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      repeat: { type: 'string', default: '1' },
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return 'help';
  const repeat = Number(values.repeat);
  if (!Number.isInteger(repeat) || repeat < 1 || repeat > MOST_RUNS)
    throw new Error(`--repeat ${JSON.stringify(values.repeat)} is not a number from 1 to ${MOST_RUNS}`);
  return { cases: chosen(positionals), quick: values.quick, repeat, json: values.json ?? null };
}

function chosen(names: readonly string[]): readonly BenchCase[] {
  const known = CASES.map(({ name }) => name);
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0) throw new Error(`there is no case ${unknown.join(', ')}; there are ${known.join(', ')}`);
  return CASES.filter(({ name, onRequest }) => (names.length === 0 ? onRequest !== true : names.includes(name)));
}
