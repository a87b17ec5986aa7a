import { fork } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { runScenario } from './scenario.ts';

/**
 * `npm run simulate -- --seeds 10000 [--from 1]`, or `--seed 4711` to see one again with what happened in it.
 * The seeds are shared among as many processes as there are cores.
 */
const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    step: { type: 'string' },
    seed: { type: 'string' },
    failures: { type: 'string' },
  },
});
/** Seeds that fail before a process gives up: more of them tell nothing new. */
const MOST_FAILURES = Number(values.failures ?? 5);

if (values.seed !== undefined) runScenario(Number(values.seed), (text) => console.log(text));
else if (values.step !== undefined) await runShare(Number(values.from), Number(values.seeds), Number(values.step));
else await runAll(Number(values.from), Number(values.seeds));

/** Every `step`th of the seeds from `first`, up to `last`. */
async function runShare(first: number, last: number, step: number): Promise<void> {
  let failures = 0;
  for (let seed = first; seed <= last && failures < MOST_FAILURES; seed += step) {
    try {
      runScenario(seed);
      // What the log store does later (removing journals) is done before the next one.
      await setImmediate();
    } catch (error) {
      failures += 1;
      console.error(`seed ${seed}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    }
  }
  if (failures > 0) process.exitCode = 1;
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
