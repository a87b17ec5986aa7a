import { fork } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { optionsOfProcess } from '../support/options.ts';
import { runScenario } from './scenario.ts';

const USAGE = `Usage: npm run simulate -- [--seeds 10000] [--from 1], or --seed 4711 to see one again with what happened in it
The seeds are shared among as many processes as there are cores.
  --failures N  seeds that fail before a process gives up; default 5, since more of them tell nothing new
  --step N      every Nth of the seeds, up to --seeds, in this process`;
const { seeds, from, failures, step, seed } = optionsOfProcess(USAGE, {
  numbers: { seeds: 1000, from: 1, failures: 5, step: null, seed: null },
});

if (seed !== null) runScenario(seed, (text) => console.log(text));
else if (step !== null) await runShare(from, seeds, step);
else await runAll(from, seeds);

/** Every `step`th of the seeds from `first`, up to `last`. */
async function runShare(first: number, last: number, step: number): Promise<void> {
  let failed = 0;
  for (let seed = first; seed <= last && failed < failures; seed += step) {
    try {
      runScenario(seed);
      // What the log store does later (removing journals) is done before the next one.
      await setImmediate();
    } catch (error) {
      failed += 1;
      console.error(`seed ${seed}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    }
  }
  if (failed > 0) process.exitCode = 1;
}

async function runAll(first: number, count: number): Promise<void> {
  const started = performance.now();
  const step = Math.min(count, availableParallelism());
  const exits = Array.from({ length: step }, async (_, i) => {
    const share = ['--from', String(first + i), '--seeds', String(first + count - 1), '--step', String(step)];
    const [code] = await once(fork(fileURLToPath(import.meta.url), share), 'exit');
    return code === 0;
  });
  const isGood = (await Promise.all(exits)).every((good) => good);
  const seconds = (performance.now() - started) / 1000;
  console.log(
    `${count} seeds from ${first} in ${seconds.toFixed(1)} s: ${isGood ? 'all promises were kept' : 'FAILED'}`,
  );
  if (isGood) return;
  console.error('see one again, with what happened: npm run simulate -- --seed N');
  process.exitCode = 1;
}
