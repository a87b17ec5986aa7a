// The program that a repository's hook runs: `received STATE` after a push, `retry STATE` in the background.
import { setTimeout as sleep } from 'node:timers/promises';
import { retry, retryInBackground } from './retry.ts';
import { tellMaster } from './told.ts';

/** Somebody waits for the push to end; what is not sent by then waits for the next time. */
const LONGEST_WAIT_MS = 20_000;

const now = () => Date.now();
const [command, state] = process.argv.slice(2);
if (state === undefined) throw new Error('usage: main.ts received|retry STATE');

if (command === 'received') {
  const report = await tellMaster(state, { now, signal: AbortSignal.timeout(LONGEST_WAIT_MS) });
  for (const line of [...report.remarks, ...report.refused]) say(line);
  if (report.left > 0) {
    const changes = report.left === 1 ? 'this change is' : `${report.left} changes are`;
    say(`the master at ${report.url} cannot be told (${report.why}); ${changes} kept and told later`);
    retryInBackground(import.meta.filename, state);
  }
} else if (command === 'retry') {
  const wait = async (ms: number) => void (await sleep(ms));
  await retry(state, { now, sleep: wait, signal: new AbortController().signal });
} else throw new Error(`"${command}" is neither received nor retry`);

/** Git shows it to whoever pushes. */
function say(line: string): void {
  process.stderr.write(`icefall: ${line}\n`);
}
