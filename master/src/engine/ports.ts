/** A timer that was set on a {@link Clock}. */
export interface Timer {
  cancel(): void;
}

/** Time as the engine sees it. The real one is `engine/real.ts`; tests and the simulation bring a virtual one. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls back once, at or after the time. */
  at(timeMs: number, callback: () => void): Timer;
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
