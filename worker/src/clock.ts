/** A timer that was set on a {@link Clock}. */
export interface Timer {
  cancel(): void;
}

/** Time as the agent sees it; tests bring a clock they turn by hand. */
export interface Clock {
  /** Milliseconds since the epoch: for people and for the master, may jump. */
  now(): number;
  /** Milliseconds since some fixed moment: for limits and delays, never jumps. */
  monotonic(): number;
  /** Calls back once, after at least this long. */
  after(delayMs: number, callback: () => void): Timer;
}

/** Numbers in [0, 1). */
export type Random = () => number;

/** setTimeout takes at most 2^31 - 1 ms; a longer time is waited for in pieces. */
const LONGEST_WAIT_MS = 2 ** 31 - 1;

/** The machine's clock. */
export const realClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, callback) {
    let handle: NodeJS.Timeout;
    const arm = (leftMs: number) => {
      handle =
        leftMs > LONGEST_WAIT_MS
          ? setTimeout(() => arm(leftMs - LONGEST_WAIT_MS), LONGEST_WAIT_MS)
          : setTimeout(callback, Math.max(0, leftMs));
    };
    arm(delayMs);
    return { cancel: () => clearTimeout(handle) };
  },
};

export const realRandom: Random = () => Math.random();

/** Resolves after the delay, or as soon as the signal is aborted: look at the signal afterwards. */
export function pause(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) {
      resolve();
      return;
    }
    const stop = () => {
      timer.cancel();
      resolve();
    };
    const timer = clock.after(delayMs, () => {
      signal?.removeEventListener('abort', stop);
      resolve();
    });
    signal?.addEventListener('abort', stop, { once: true });
  });
}
