import type { Core } from './core.ts';
import { Hook } from './hooks.ts';
import type { Timer } from './ports.ts';

/** Between two looks: so long a deadline may be shown wrongly after a jump. */
export const LOOK_EVERY_MS = 10_000;
/** Less is a correction that a time server makes all the time, and no reason to move anything. */
export const LEAST_JUMP_MS = 1000;

/**
 * Notices when the wall clock was set. Deadlines of waits that stand in the database (the grace of an absent worker, the
 * back-off of a retry) are moved along then: a wait of ten minutes stays one of ten minutes.
 */
export class ClockWatch {
  /** By how many milliseconds the clock has jumped. Fired inside a turn. */
  readonly jumped = new Hook<number>();
  readonly #core: Core;
  #offset: number;
  #timer: Timer | null = null;

  constructor(core: Core) {
    this.#core = core;
    this.#offset = this.#offsetNow();
  }

  start(): void {
    this.#timer = this.#core.clock.after(LOOK_EVERY_MS, () => {
      this.look();
      this.start();
    });
  }

  stop(): void {
    this.#timer?.cancel();
  }

  /** Looks now. */
  look(): void {
    const offset = this.#offsetNow();
    const jumpMs = Math.round(offset - this.#offset);
    if (Math.abs(jumpMs) < LEAST_JUMP_MS) {
      this.#offset = offset;
      return;
    }
    this.#core.turn(() => this.jumped.fire(jumpMs));
    this.#offset = offset;
    this.#core.log.warn({ jumpMs }, "the machine's clock was set; what waits for a while waits as long as before");
  }

  #offsetNow(): number {
    const { clock } = this.#core;
    return clock.now() - clock.monotonic();
  }
}
