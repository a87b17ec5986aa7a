import type { Clock, Random, Timer } from './ports.ts';

/** setTimeout takes at most 2^31 - 1 ms; a longer time is waited for in pieces. */
const LONGEST_WAIT_MS = 2 ** 31 - 1;
/** A time on the wall clock is waited for in pieces of this: after a jump forward nothing comes later than that. */
const LONGEST_WALL_WAIT_MS = 30_000;

/** The machine's clocks. What is due already calls back in the next turn of the event loop. */
export const realClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  at: (timeMs, callback) => waitFor(() => timeMs - Date.now(), LONGEST_WALL_WAIT_MS, callback),
  after(ms, callback) {
    const dueAt = performance.now() + ms;
    return waitFor(() => dueAt - performance.now(), LONGEST_WAIT_MS, callback);
  },
};

/** Calls back once nothing is `left` to wait; looks again at least every `longest` milliseconds. */
function waitFor(left: () => number, longest: number, callback: () => void): Timer {
  let handle: NodeJS.Timeout;
  const look = () => {
    const wait = left();
    if (wait <= 0) callback();
    else arm(wait);
  };
  // Rounded up: setTimeout cuts fractions off, and would look too early.
  const arm = (wait: number) => {
    handle = setTimeout(look, Math.min(longest, Math.max(0, Math.ceil(wait))));
  };
  arm(left());
  return { cancel: () => clearTimeout(handle) };
}

export const realRandom: Random = { next: () => Math.random() };
