import type { Clock, Timer } from '../engine/ports.ts';

/** A turn that took longer than it should: what is searched for makes it so. Milliseconds. */
const COSTLY_MS = 40;

/**
 * Has searches of logs work one after the other, a turn each: however many there are, whatever else the master does waits
 * for one of them at most. After a costly turn they rest for as long as it took: half of the time is left to others.
 */
export class SearchTurns {
  readonly #clock: Pick<Clock, 'monotonic' | 'after'>;
  readonly #waiting: (() => void)[] = [];
  /** Ends the rest after a turn; null: nobody has had one just now. */
  #rest: Timer | null = null;
  #isWorking = false;

  constructor(clock: Pick<Clock, 'monotonic' | 'after'>) {
    this.#clock = clock;
  }

  /** Calls `work` when it is its turn: at once, where nobody else searches. */
  take(work: () => void): void {
    this.#waiting.push(work);
    if (this.#rest === null && !this.#isWorking) this.#next();
  }

  #next(): void {
    this.#rest = null;
    const work = this.#waiting.shift();
    if (work === undefined) return;
    const begunAt = this.#clock.monotonic();
    this.#isWorking = true;
    try {
      work();
    } finally {
      this.#isWorking = false;
      const tookMs = this.#clock.monotonic() - begunAt;
      this.#rest = this.#clock.after(tookMs > COSTLY_MS ? tookMs : 0, () => this.#next());
    }
  }
}
