import { Dice } from '../simulation/dice.ts';
import { optionsOfProcess } from '../support/options.ts';
import { runScenario, type Scenario } from './scenario.ts';
import { SCENARIOS } from './scenarios/all.ts';

const USAGE = `Usage: npm run faults -- [--repeat 20] [--only NAME] [--seed N] [--jobs 2] [--long 30]
Every scenario, so many times, each time with other moments.
  --only NAME     those whose name begins so
  --long SECONDS  of a long cut`;
const options = optionsOfProcess(USAGE, {
  numbers: { repeat: 1, seed: 1, jobs: 2, long: 30 },
  texts: { only: '' },
});

interface Job {
  readonly scenario: Scenario;
  readonly seed: number;
}

const chosen = SCENARIOS.filter(({ name }) => name.startsWith(options.only));
if (chosen.length === 0) {
  console.error(`no scenario begins with "${options.only}"; there are ${SCENARIOS.map(({ name }) => name).join(', ')}`);
  process.exit(2);
}
const runnable = chosen.filter((scenario) => {
  const why = scenario.skipped?.() ?? null;
  if (why !== null) console.log(`${scenario.name}: skipped: ${why}`);
  return why === null;
});
const seeds = Array.from({ length: options.repeat }, (_, i) => options.seed + i);
const jobs = seeds.flatMap((seed) => runnable.map((scenario): Job => ({ scenario, seed })));
// Slow ones sleep most of the time: they are spread among the others.
const dice = new Dice(options.seed);
const queue = jobs.map((job) => ({ job, at: dice.next() })).sort((a, b) => a.at - b.at);
const passed = new Map<string, number>();
let failures = 0;

await Promise.all(Array.from({ length: options.jobs }, work));
for (const { name } of runnable) console.log(`${name}: ${passed.get(name) ?? 0} of ${seeds.length}`);
console.log(
  failures === 0 ? `${jobs.length} runs: all promises were kept` : `${failures} of ${jobs.length} runs FAILED`,
);
process.exit(failures === 0 ? 0 : 1);

async function work(): Promise<void> {
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) await one(next.job);
}

async function one({ scenario, seed }: Job): Promise<void> {
  const started = performance.now();
  try {
    await runScenario(scenario, { seed, longMs: options.long * 1000 });
    passed.set(scenario.name, (passed.get(scenario.name) ?? 0) + 1);
    console.log(`${scenario.name}, seed ${seed}: kept (${((performance.now() - started) / 1000).toFixed(1)} s)`);
  } catch (error) {
    failures += 1;
    console.error(`${scenario.name}, seed ${seed}: FAILED: ${scenario.title}`);
    console.error(error instanceof Error ? shortStack(error) : String(error));
    console.error(`again: npm run faults -- --only ${scenario.name} --seed ${seed}`);
  }
}

/** The message, and where in the scenario it was. */
function shortStack(error: Error): string {
  const places = (error.stack ?? '').split('\n').filter((line) => /tests\/faults\/(scenarios|checks|soak)/.test(line));
  return [error.message, ...places].join('\n');
}
