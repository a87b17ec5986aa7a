import type { Terminal } from '../terminal.ts';
import { Interrupted, Unreachable } from './api-client.ts';
import type { ClientLimits } from './limits.ts';

/** Patience with a master that goes away in the middle of something: it is asked again until it has been away too long. */
export class Reconnect {
  readonly #terminal: Terminal;
  readonly #limits: ClientLimits;
  #awaySince: number | null = null;
  #delayMs: number;
  #wasThere = false;

  constructor(terminal: Terminal, limits: ClientLimits) {
    this.#terminal = terminal;
    this.#limits = limits;
    this.#delayMs = limits.retryMs;
  }

  /** The master has said something. */
  isThere(): void {
    if (this.#awaySince !== null) this.#terminal.err('icefall: connected again\n');
    this.#awaySince = null;
    this.#wasThere = true;
    this.#delayMs = this.#limits.retryMs;
  }

  /**
   * Waits before the next try. Throws on what a new try cannot mend, on a master that was not there to begin with, and
   * on one that has been away too long.
   */
  async afterFailure(error: unknown): Promise<void> {
    if (!(error instanceof Unreachable) || !this.#wasThere) throw error;
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
