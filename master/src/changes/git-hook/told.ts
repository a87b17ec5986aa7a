import { dirname } from 'node:path';
import { Git } from '../git.ts';
import { readPush } from './pushes.ts';
import { type FlushReport, flush } from './send.ts';
import { readSettings } from './settings.ts';
import { MOST_WAITING, Spool } from './spool.ts';

/** A report, and what else the pusher should know. */
export interface ToldReport extends FlushReport {
  readonly url: string;
  readonly remarks: readonly string[];
}

/**
 * Makes changes of the pushes that nobody has looked at, and sends all that wait. A crash at any moment leaves what was
 * not done to the next call; what was done twice has the same delivery id. Throws what keeps it from reading its files.
 */
export async function tellMaster(
  state: string,
  ports: { readonly now: () => number; readonly signal: AbortSignal },
): Promise<ToldReport> {
  const settings = readSettings(state);
  const spool = new Spool(state, ports.now);
  const git = new Git(dirname(state));
  const remarks: string[] = [];
  for (const push of spool.pushes()) {
    const read = await readPush(git, state, settings, push);
    remarks.push(...read.remarks);
    const givenUp = read.changes.reduce((sum, change) => sum + spool.keep(change), 0);
    if (givenUp > 0) remarks.push(`more than ${MOST_WAITING} changes wait for the master; the oldest were given up`);
    spool.forgetPush(push.name);
  }
  return { ...(await flush(spool, settings, ports.signal)), url: settings.url, remarks };
}
