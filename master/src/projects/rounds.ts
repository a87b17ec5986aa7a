import type { Clock, Timer } from '../engine/ports.ts';

/** The first look of all, after a start: the master has other things to do first, and knows the last pipelines. */
const FIRST_LOOK_MS = 10_000;
/** Between two looks of the first round: it finds what was pushed while the master was away. */
const FIRST_PACE_MS = 100;
/** A site without projects is asked again for some. */
const NOTHING_TO_DO_MS = 60_000;

/** What there is to go round, at the beginning of a round. */
export interface RoundPlan {
  readonly names: readonly string[];
  /** How long a round takes. */
  readonly everyMs: number;
}

/** Goes round all projects again and again, one at a time: a thousand at once would leave nothing for the builds. */
export class Rounds {
  readonly #clock: Clock;
  readonly #plan: () => RoundPlan;
  readonly #visit: (name: string) => void;
  #timer: Timer | null = null;

  constructor(clock: Clock, plan: () => RoundPlan, visit: (name: string) => void) {
    this.#clock = clock;
    this.#plan = plan;
    this.#visit = visit;
  }

  start(): void {
    this.#timer = this.#clock.after(FIRST_LOOK_MS, () => this.#round(FIRST_PACE_MS, 0));
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #round(mostMs: number, untilFirstMs: number | null = null): void {
    const { names, everyMs } = this.#plan();
    const paceMs = names.length === 0 ? NOTHING_TO_DO_MS : Math.min(mostMs, everyMs / names.length);
    this.#step(names, 0, paceMs, untilFirstMs ?? paceMs);
  }

  #step(names: readonly string[], next: number, paceMs: number, waitMs: number): void {
    this.#timer = this.#clock.after(waitMs, () => {
      const name = names[next];
      if (name !== undefined) this.#visit(name);
      if (next + 1 < names.length) this.#step(names, next + 1, paceMs, paceMs);
      else this.#round(Number.POSITIVE_INFINITY);
    });
  }
}
