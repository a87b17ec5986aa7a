import type { Core } from '../engine/core.ts';

/** Whether the master lets what runs come to its end and starts nothing new; and since when. */
export class Draining {
  readonly #core: Core;
  #since: number | null = null;
  /** What was in force before the turn that changes it. */
  #before: { readonly since: number | null } | null = null;

  constructor(core: Core) {
    this.#core = core;
    core.rolledBack.on(() => {
      if (this.#before !== null) this.#since = this.#before.since;
      this.#before = null;
    });
  }

  /** Null: it starts what it can. */
  get since(): number | null {
    return this.#since;
  }

  /** Gives whether that is a change. Inside a turn. */
  set(isDraining: boolean): boolean {
    const before = this.#since;
    if (isDraining === (before !== null)) return false;
    this.#since = isDraining ? this.#core.now() : null;
    this.#before = { since: before };
    this.#core.afterCommit(() => {
      this.#before = null;
    });
    return true;
  }
}
