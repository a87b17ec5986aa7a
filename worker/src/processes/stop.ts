/** Why a command is ended from outside: the reason of the abort signal that every command is given. */
export class Stop {
  /** interrupted: the master asked; lost: this worker goes away or the command is nobody's any more. */
  readonly reason: 'interrupted' | 'lost';
  readonly code: string;
  readonly message: string;
  /** At most this long from TERM to KILL; null for what the command itself says. */
  readonly longestGraceMs: number | null;

  constructor(stop: Omit<Stop, 'error'>) {
    this.reason = stop.reason;
    this.code = stop.code;
    this.message = stop.message;
    this.longestGraceMs = stop.longestGraceMs;
  }

  /** As in the outcome of a command. */
  get error(): { code: string; message: string } {
    return { code: this.code, message: this.message };
  }
}

/** Why the signal was aborted; null where it was not. */
export function stopOf(signal: AbortSignal): Stop | null {
  if (!signal.aborted) return null;
  const reason: unknown = signal.reason;
  if (reason instanceof Stop) return reason;
  throw new Error('assertion failed: a command was aborted without a Stop');
}
