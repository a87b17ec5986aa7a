import type { TimeScale } from './scale.ts';

/** A mark on the time axis. */
export interface Tick {
  readonly time: number;
  readonly y: number;
  /** The first mark of its day, seen from the top: it tells the date as well. */
  readonly newDay: boolean;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Coarsest first: a whole hour has its mark before a quarter gets one. */
const STEPS = [DAY, 12 * HOUR, 6 * HOUR, 3 * HOUR, HOUR, 30 * MINUTE, 15 * MINUTE, 10 * MINUTE, 5 * MINUTE, MINUTE];
/** Marks beyond this many at one step are too dense to be any use, and the finer steps are not tried. */
const MOST_CANDIDATES = 3000;

export interface TickOptions {
  readonly from: number;
  readonly to: number;
  /** Least distance of two marks, pixels. */
  readonly minDistance: number;
  /** Local time minus UTC at a time, milliseconds. */
  offsetAt(time: number): number;
}

/**
 * Marks at round local times between `from` and `to`, newest first. They hang on the times and not on the window's
 * edge, so they do not jump as time goes on.
 */
export function ticks(scale: TimeScale, options: TickOptions): Tick[] {
  const taken: { time: number; y: number }[] = [];
  const blocked = scale.gaps.map(({ y, height }) => [y, y + height] as const);
  for (const step of STEPS) {
    if ((options.to - options.from) / step > MOST_CANDIDATES) break;
    for (const time of roundTimes(step, options)) {
      const y = scale.y(time);
      if (blocked.some(([top, bottom]) => y > top - 6 && y < bottom + 6)) continue;
      // Single minutes only where nothing rounder is near.
      const distance = step === MINUTE ? 2 * options.minDistance : options.minDistance;
      if (taken.every((other) => Math.abs(other.y - y) >= distance)) taken.push({ time, y });
    }
  }
  taken.sort((a, b) => a.y - b.y);
  return taken.map(({ time, y }, i) => {
    const above = taken[i - 1];
    return { time, y, newDay: above !== undefined && dayOf(above.time, options) !== dayOf(time, options) };
  });
}

function* roundTimes(step: number, { from, to, offsetAt }: TickOptions): Generator<number> {
  const first = Math.ceil((from + offsetAt(from)) / step) * step;
  for (let local = first; ; local += step) {
    // The offset of about that time; across a clock change marks of more than an hour may be an hour off.
    const time = local - offsetAt(local - offsetAt(from));
    if (time > to) return;
    yield time;
  }
}

function dayOf(time: number, { offsetAt }: TickOptions): number {
  return Math.floor((time + offsetAt(time)) / DAY);
}
