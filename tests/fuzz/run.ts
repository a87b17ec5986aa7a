// `npm run fuzz -- [--runs 1000000] [--seed 1]`: mutated REST bodies, webhooks, worker messages and frames.
import { parseArgs } from 'node:util';
import { formatBytes } from '@icefall/shared';
import { fuzz } from './fuzz.ts';

/** What a master may keep more after all runs than after a tenth of them: events and requests that it remembers. */
const MOST_GROWTH_BYTES = 64 * 1024 * 1024;

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '1000000' }, seed: { type: 'string', default: '1' } },
});
const report = await fuzz({ runs: Number(values.runs), seed: Number(values.seed), say: (line) => console.error(line) });
const { early, late } = report.heapBytes;
console.log(`runs: ${JSON.stringify(report.runs)}`);
console.log(`taken: ${JSON.stringify(report.taken)}`);
console.log(`memory: ${formatBytes(early)} after a tenth, ${formatBytes(late)} in the end`);
for (const fault of report.faults) console.log(`FAULT ${fault}`);
const isFlat = late - early < MOST_GROWTH_BYTES;
if (!isFlat) console.log('FAULT memory grows');
process.exit(report.faults.length === 0 && isFlat ? 0 : 1);
