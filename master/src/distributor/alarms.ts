import type { Core } from '../engine/core.ts';
import type { Timer } from '../engine/ports.ts';

/** One timer for each builder: the earliest time at which it is to be looked at again. */
export class Alarms {
  readonly #core: Core;
  readonly #ring: (builder: string) => void;
  readonly #set = new Map<string, { readonly at: number; readonly timer: Timer }>();

  /** `ring` is called inside a turn. */
  constructor(core: Core, ring: (builder: string) => void) {
    this.#core = core;
    this.#ring = ring;
  }

  set(builder: string, at: number): void {
    const known = this.#set.get(builder);
    if (known !== undefined && known.at <= at) return;
    known?.timer.cancel();
    const timer = this.#core.clock.after(at - this.#core.now(), () => {
      this.#set.delete(builder);
      this.#core.turn(() => this.#ring(builder));
    });
    this.#set.set(builder, { at, timer });
  }

  stop(): void {
    for (const { timer } of this.#set.values()) timer.cancel();
    this.#set.clear();
  }
}
