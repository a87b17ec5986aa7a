import type { Terminal } from '../terminal.ts';
import { Interrupted, Unreachable } from './api-client.ts';
import type { ClientLimits } from './limits.ts';

/**
 * Patience with a master that goes away in the middle of something: it is asked again until it has been away too long.
 * Only for what begins after it has answered once: a master that is not there to begin with is told at once.
 */
export class Reconnect {
  readonly #terminal: Terminal;
  readonly #limits: ClientLimits;
  #awaySince: number | null = null;
  #delayMs: number;

  constructor(terminal: Terminal, limits: ClientLimits) {
    this.#terminal = terminal;
    this.#limits = limits;
    this.#delayMs = limits.retryMs;
  }

  /** The master has said something. */
  isThere(): void {
    if (this.#awaySince !== null) this.#terminal.err('icefall: connected again\n');
    this.#awaySince = null;
    this.#delayMs = this.#limits.retryMs;
  }

  /**
   * Waits before the next try. Throws on what a new try cannot mend, and on a master that has been away too long.
   */
  async afterFailure(error: unknown): Promise<void> {
    if (!(error instanceof Unreachable)) throw error;
    const now = this.#terminal.now();
    if (this.#awaySince === null) {
      this.#awaySince = now;
      this.#terminal.err('icefall: the connection to the master was cut; trying again\n');
    }
    if (now - this.#awaySince > this.#limits.absenceMs) throw error;
    await this.afterEnd();
    this.#delayMs = Math.min(this.#delayMs * 2, this.#limits.longestRetryMs);
  }

  /** Waits before a stream that the master ended in good order is opened again. */
  async afterEnd(): Promise<void> {
    await this.#terminal.wait(this.#delayMs);
    if (this.#terminal.signal.aborted) throw new Interrupted();
  }
}

/** Asks until there is an answer, as patiently as {@link Reconnect} is. */
export async function insist<T>(terminal: Terminal, limits: ClientLimits, ask: () => Promise<T>): Promise<T> {
  const reconnect = new Reconnect(terminal, limits);
  for (;;) {
    try {
      const answer = await ask();
      reconnect.isThere();
      return answer;
    } catch (error) {
      await reconnect.afterFailure(error);
    }
  }
}
