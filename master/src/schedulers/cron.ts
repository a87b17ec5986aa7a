import { Cron } from 'croner';

/** More patterns than a site has; beyond it they are made anew. */
const MOST_CACHED = 5000;
const cache = new Map<string, Cron>();

function cronOf(pattern: string, timeZone: string): Cron {
  const key = `${timeZone} ${pattern}`;
  let cron = cache.get(key);
  if (cron === undefined) {
    if (cache.size >= MOST_CACHED) cache.clear();
    cron = new Cron(pattern, { paused: true, timezone: timeZone, fixedTimeRule: 'no-wildcard' });
    cache.set(key, cron);
  }
  return cron;
}

/**
 * The first time after `afterMs` at which a cron pattern occurs in a time zone, or null if it never does.
 *
 * When clocks change: a pattern of fixed times (`30 2 * * *`) occurs once a day: a time that is left out comes when the
 * gap ends, a time that comes twice counts the first time. A pattern with a wildcard or step in seconds, minutes or
 * hours (`30 * * * *`) goes by what really passes: never in the gap, in both hours of the fold.
 */
export function nextOccurrence(pattern: string, timeZone: string, afterMs: number): number | null {
  return cronOf(pattern, timeZone).nextRun(new Date(afterMs))?.getTime() ?? null;
}
