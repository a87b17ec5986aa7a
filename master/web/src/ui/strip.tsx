import type { JSX } from 'preact';
import { now } from '../store/clock.ts';
import { clockTime, shortDuration } from './times.ts';

const STRIP_HOURS = 24;
const STRIP_MS = STRIP_HOURS * 3_600_000;
/** Narrower than this nothing is seen, percent. */
const LEAST_PERCENT = 0.15;

/** A stretch of time in which something was so; milliseconds since the epoch, no end: it still is. */
export interface Stretch {
  readonly from: number;
  readonly to: number | null;
  readonly title: string;
  /** Part of the strip's height, 0 to 1. */
  readonly share: number;
}

/** The beginning of what a strip shows. */
export function stripBegin(): number {
  return Math.floor(now.peek() - STRIP_MS);
}

/** The last day as a strip, now at its right end. `what` is what the stretches are, for those who do not see it. */
export function Strip({ what, stretches }: { what: string; stretches: readonly Stretch[] }): JSX.Element {
  const at = now.value;
  const begin = at - STRIP_MS;
  const shown = stretches.filter(({ to }) => to === null || to > begin);
  const length = shown.reduce((sum, { from, to }) => sum + (to ?? at) - Math.max(begin, from), 0);
  return (
    <div
      class="strip"
      title={`The last ${STRIP_HOURS} hours`}
      role="img"
      aria-label={`${what} in the last ${STRIP_HOURS} hours: ${shown.length} times, ${shortDuration(length)} together`}
      data-stretches={shown.length}
    >
      {shown.map((stretch) => {
        const from = Math.max(begin, stretch.from);
        const to = stretch.to ?? at;
        return (
          <i
            key={`${stretch.from} ${stretch.title}`}
            title={`${stretch.title}, ${clockTime(stretch.from)}, ${shortDuration(to - stretch.from)}`}
            style={{
              left: `${((from - begin) / STRIP_MS) * 100}%`,
              width: `${Math.max(LEAST_PERCENT, ((to - from) / STRIP_MS) * 100)}%`,
              height: `${stretch.share * 100}%`,
            }}
          />
        );
      })}
    </div>
  );
}
