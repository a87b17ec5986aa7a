/** A timer that was set on a {@link Clock}. */
export interface Timer {
  cancel(): void;
}

/**
 * Time as the engine sees it. The real one is `engine/real.ts`; tests and the simulation bring a virtual one. The
 * machine's wall clock may jump (an operator, a time server, a suspended machine): durations are taken with `after` and
 * `monotonic`, which it does not touch, and only what stands in a calendar with `at`.
 */
export interface Clock {
  /** Milliseconds since the epoch, by the wall clock. */
  now(): number;
  /** Milliseconds since some moment; never goes back, never jumps. */
  monotonic(): number;
  /** Calls back once, when the wall clock shows the time or a later one. */
  at(timeMs: number, callback: () => void): Timer;
  /** Calls back once, after so many milliseconds (at once for less than none), whatever the wall clock does. */
  after(ms: number, callback: () => void): Timer;
}

/** Numbers in [0, 1). */
export interface Random {
  next(): number;
}

/** Where the engine tells what went wrong or is worth knowing (pino's shape). */
export interface Logger {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
