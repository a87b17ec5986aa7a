import { PEER_DEAD_MS, PING_INTERVAL_MS } from '@icefall/shared';
import type { Clock, Timer } from '../engine/ports.ts';
import type { Wire } from './wire.ts';

/** Often enough that a death is noticed soon after the limit. */
const LOOK_EVERY_MS = PING_INTERVAL_MS / 2;

/**
 * Watches over a wire: pings it, and calls back when nothing came in for {@link PEER_DEAD_MS}. Whatever comes in is a
 * sign of life, half a message too. Silence is counted only while this process looks: at most one interval for one look,
 * since after a pause of its own what has come in may not have been read yet.
 */
export class Liveness {
  readonly #wire: Wire;
  readonly #clock: Clock;
  readonly #onDead: () => void;
  #timer: Timer | null = null;
  #seenBytes = 0;
  #silentMs = 0;
  #lookedAt: number;
  #pingedAt: number;

  constructor(wire: Wire, clock: Clock, onDead: () => void) {
    this.#wire = wire;
    this.#clock = clock;
    this.#onDead = onDead;
    this.#lookedAt = clock.monotonic();
    this.#pingedAt = this.#lookedAt;
    this.#wait();
  }

  /** True if something came in not long ago: a peer that is not answering its pings any more is not alive. */
  get alive(): boolean {
    this.#take();
    return this.#silentMs < PEER_DEAD_MS;
  }

  end(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  #wait(): void {
    this.#timer = this.#clock.after(LOOK_EVERY_MS, () => this.#look());
  }

  #take(): void {
    const now = this.#clock.monotonic();
    const bytes = this.#wire.receivedBytes();
    const passed = Math.min(Math.max(0, now - this.#lookedAt), PING_INTERVAL_MS);
    this.#silentMs = bytes > this.#seenBytes ? 0 : this.#silentMs + passed;
    this.#seenBytes = bytes;
    this.#lookedAt = now;
  }

  #look(): void {
    this.#take();
    if (this.#silentMs >= PEER_DEAD_MS) {
      this.#onDead();
      return;
    }
    if (this.#lookedAt - this.#pingedAt >= PING_INTERVAL_MS) {
      this.#pingedAt = this.#lookedAt;
      this.#wire.ping();
    }
    this.#wait();
  }
}
