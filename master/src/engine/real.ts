import type { Clock, Random, Timer } from './ports.ts';

/** setTimeout takes at most 2^31 - 1 ms; a later time is waited for in pieces. */
const LONGEST_WAIT_MS = 2 ** 31 - 1;

/** The machine's clock. A time that has passed calls back in the next turn of the event loop. */
export const realClock: Clock = {
  now: () => Date.now(),
  at(timeMs, callback): Timer {
    let handle: NodeJS.Timeout;
    const arm = () => {
      const wait = timeMs - Date.now();
      handle = wait > LONGEST_WAIT_MS ? setTimeout(arm, LONGEST_WAIT_MS) : setTimeout(callback, Math.max(0, wait));
    };
    arm();
    return { cancel: () => clearTimeout(handle) };
  },
};

export const realRandom: Random = { next: () => Math.random() };
