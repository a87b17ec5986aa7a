import { formatDuration, MAX_RECORD_DATA_BYTES } from '@icefall/shared';
import type { Clock, Timer } from '../clock.ts';

export interface Limits {
  /** Ended when it was silent for this long; null for no limit. */
  readonly idleTimeoutMs: number | null;
  /** In time of {@link Clock.monotonic}; null for no limit. */
  readonly deadlineMs: number | null;
  /** For the message: how long it may take in all. */
  readonly maxTimeMs: number | null;
  /** Ended when it writes more lines than this; null for no limit. */
  readonly maxLines: number | null;
}

export interface Exceeded {
  readonly reason: 'idleTimeout' | 'maxTime' | 'maxLines';
  readonly message: string;
}

const NEWLINE = 0x0a;

/** Watches over the limits of one process, and tells once when one is exceeded. */
export class LimitWatch {
  readonly #limits: Limits;
  readonly #clock: Clock;
  readonly #onExceeded: (exceeded: Exceeded) => void;
  #lastSignAt: number;
  #waiting = 0;
  #idleTimer: Timer | null = null;
  #deadlineTimer: Timer | null = null;
  #lines = 0;
  /** Of the line that has not ended yet. */
  #bytesOfLine = 0;
  #over = false;

  constructor(limits: Limits, clock: Clock, onExceeded: (exceeded: Exceeded) => void) {
    this.#limits = limits;
    this.#clock = clock;
    this.#onExceeded = onExceeded;
    this.#lastSignAt = clock.monotonic();
    this.#armIdle();
    const { deadlineMs, maxTimeMs } = limits;
    if (deadlineMs !== null)
      this.#deadlineTimer = clock.after(deadlineMs - clock.monotonic(), () =>
        this.#exceed('maxTime', `took longer than ${formatDuration(maxTimeMs ?? 0)}`),
      );
  }

  /** The process gave a sign of life. */
  sign(): void {
    if (this.#limits.idleTimeoutMs !== null) this.#lastSignAt = this.#clock.monotonic();
  }

  /** The process has output that we don't take: its silence is our fault, and not counted until {@link goOn}. */
  holdUp(): void {
    this.#waiting += 1;
  }

  goOn(): void {
    this.#waiting -= 1;
    this.sign();
  }

  /** Counts the lines in output (one that is longer than the log keeps is several, as there), and returns the part of it that is within the limit. */
  withinLines(data: Uint8Array): Uint8Array {
    const { maxLines } = this.#limits;
    if (maxLines === null) return data;
    let at = 0;
    while (at < data.length && this.#lines < maxLines) {
      const newline = data.indexOf(NEWLINE, at);
      const end = Math.min(newline < 0 ? data.length : newline + 1, at + MAX_RECORD_DATA_BYTES - this.#bytesOfLine);
      this.#bytesOfLine += end - at;
      at = end;
      if (end !== newline + 1 && this.#bytesOfLine < MAX_RECORD_DATA_BYTES) continue;
      this.#lines += 1;
      this.#bytesOfLine = 0;
    }
    if (at < data.length) this.#exceed('maxLines', `wrote more than ${maxLines} lines`);
    return data.subarray(0, at);
  }

  close(): void {
    this.#over = true;
    this.#idleTimer?.cancel();
    this.#deadlineTimer?.cancel();
  }

  #armIdle(): void {
    const { idleTimeoutMs } = this.#limits;
    if (idleTimeoutMs === null) return;
    const leftMs = this.#waiting > 0 ? idleTimeoutMs : this.#lastSignAt + idleTimeoutMs - this.#clock.monotonic();
    if (leftMs <= 0) this.#exceed('idleTimeout', `wrote nothing for ${formatDuration(idleTimeoutMs)}`);
    else this.#idleTimer = this.#clock.after(leftMs, () => this.#armIdle());
  }

  #exceed(reason: Exceeded['reason'], message: string): void {
    if (this.#over) return;
    this.close();
    this.#onExceeded({ reason, message });
  }
}
