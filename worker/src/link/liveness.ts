import type { Clock, Timer } from '../clock.ts';
import type { Wire } from './wire.ts';

interface LivenessOptions {
  /** Time from ping to ping. */
  readonly intervalMs: number;
  /** Silence after which the other side is taken for dead. */
  readonly deadMs: number;
}

/**
 * Watches over a wire. Whatever comes in is a sign of life, half a message too; and silence is counted only while this
 * process itself is awake, since a machine that was suspended or overloaded has not looked.
 */
export class Liveness {
  readonly #wire: Wire;
  readonly #clock: Clock;
  readonly #options: LivenessOptions;
  readonly #onDead: (silentMs: number) => void;
  #timer: Timer | null = null;
  #seenBytes = 0;
  #silentMs = 0;
  #lookedAt = 0;
  #pingedAt = 0;

  constructor(wire: Wire, clock: Clock, options: LivenessOptions, onDead: (silentMs: number) => void) {
    this.#wire = wire;
    this.#clock = clock;
    this.#options = options;
    this.#onDead = onDead;
  }

  begin(): void {
    this.#seenBytes = this.#wire.receivedBytes();
    this.#lookedAt = this.#clock.monotonic();
    this.#pingedAt = this.#lookedAt;
    this.#wait();
  }

  end(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  #wait(): void {
    this.#timer = this.#clock.after(this.#options.intervalMs / 2, () => this.#look());
  }

  #look(): void {
    const { intervalMs, deadMs } = this.#options;
    const now = this.#clock.monotonic();
    const bytes = this.#wire.receivedBytes();
    // At most one interval for one look: what came in meanwhile may not have been read yet.
    this.#silentMs = bytes > this.#seenBytes ? 0 : this.#silentMs + Math.min(now - this.#lookedAt, intervalMs);
    this.#seenBytes = bytes;
    this.#lookedAt = now;
    if (this.#silentMs > deadMs) {
      this.#onDead(this.#silentMs);
      return;
    }
    if (now - this.#pingedAt >= intervalMs) {
      this.#pingedAt = now;
      this.#wire.ping();
    }
    this.#wait();
  }
}
