import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { optionsOfProcess } from '../../support/options.ts';
import { MUTANTS, type Mutant } from './mutants.ts';
import { MutatedCopy } from './mutated-copy.ts';

const USAGE = `Usage: npm run simulate:mutants -- [--seeds 2000] [--only TEXT]
Plants each mistake of mutants.ts in a copy of the repository, and runs the simulation on it until a seed finds it. Fails if
one is not found, or if the copy without any mistake fails.
  --only TEXT  those with the text in their name`;
const { seeds, only } = optionsOfProcess(USAGE, { numbers: { seeds: 2000 }, texts: { only: '' } });
/** Seeds on which the code as it is has to pass, or the findings mean nothing. */
const CONTROL_SEEDS = 20;
/** A mistake that makes the master turn in circles is stopped after this long, and counts as not found. */
const MOST_MS = 20 * 60_000;

interface Finding {
  readonly seed: number | null;
  readonly what: string;
  readonly ms: number;
}

/** Runs the seeds in order until one fails. */
function firstFailure(mutant: Mutant | null, count: number): Promise<Finding> {
  const started = performance.now();
  const copy = new MutatedCopy(mutant);
  const args = [copy.program, '--from', '1', '--seeds', String(count), '--step', '1', '--failures', '1'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'], timeout: MOST_MS });
  let told = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    told += text;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => {
      copy[Symbol.dispose]();
      const [, seed, what = ''] = /^seed (\d+): (.*)$/m.exec(told) ?? [];
      const ms = performance.now() - started;
      resolve({
        seed: seed === undefined ? null : Number(seed),
        what: seed === undefined ? told.slice(-500) : what,
        ms,
      });
    });
  });
}

const chosen = MUTANTS.filter(({ name }) => name.includes(only));
const control = await firstFailure(null, CONTROL_SEEDS);
if (control.seed !== null) {
  console.error(`the code as it is fails with seed ${control.seed}: ${control.what}`);
  process.exit(1);
}
console.log(`without a mistake: ${CONTROL_SEEDS} seeds pass`);

const waiting = [...chosen];
let missed = 0;
async function work(): Promise<void> {
  for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
    const { seed, what, ms } = await firstFailure(mutant, seeds);
    if (seed === null) missed += 1;
    const verdict = seed === null ? `NOT FOUND with ${seeds} seeds ${what}` : `found by seed ${seed}: ${what}`;
    console.log(`${mutant.name}: ${verdict} (${(ms / 1000).toFixed(0)} s)`);
  }
}
await Promise.all(Array.from({ length: availableParallelism() }, work));
console.log(`${chosen.length - missed} of ${chosen.length} mistakes were found`);
process.exitCode = missed === 0 ? 0 : 1;
