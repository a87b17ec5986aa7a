/** Keys that are remembered; the one that has been there longest makes room. Some 10 MB at most. */
const MOST_KEYS = 10_000;

interface Limit {
  readonly most: number;
  readonly withinMs: number;
}

/** Counts what happened for a key within the running window of time. */
export class Attempts {
  readonly #limit: Limit;
  readonly #windows = new Map<string, { since: number; count: number }>();

  constructor(limit: Limit) {
    this.#limit = limit;
  }

  /** True if as much has happened as may. */
  exceeded(key: string, nowMs: number): boolean {
    return (this.#window(key, nowMs)?.count ?? 0) >= this.#limit.most;
  }

  note(key: string, nowMs: number): void {
    const window = this.#window(key, nowMs);
    if (window !== null) {
      window.count += 1;
      return;
    }
    const oldest = this.#windows.keys().next().value;
    if (this.#windows.size >= MOST_KEYS && oldest !== undefined) this.#windows.delete(oldest);
    this.#windows.set(key, { since: nowMs, count: 1 });
  }

  #window(key: string, nowMs: number): { since: number; count: number } | null {
    const window = this.#windows.get(key);
    if (window === undefined) return null;
    const passedMs = nowMs - window.since;
    // Negative after the clock was set back: that must not turn a minute into hours.
    if (passedMs >= 0 && passedMs < this.#limit.withinMs) return window;
    this.#windows.delete(key);
    return null;
  }
}
