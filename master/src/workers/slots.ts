import type { Core } from '../engine/core.ts';
import { Hook } from '../engine/hooks.ts';

/**
 * Which builds hold a slot on which worker. A build that waits in a trigger gives its slot back, and is first in line
 * for one when it goes on. Derived from the builds' rows; the queue of those that want theirs back, too.
 */
export class Slots {
  /** A slot became free. */
  readonly freed = new Hook<string>();
  readonly #core: Core;
  readonly #held = new Map<string, Set<number>>();
  readonly #returning = new Map<string, number[]>();

  constructor(core: Core) {
    this.#core = core;
    this.#read();
    core.rolledBack.on(() => this.#read());
  }

  #read(): void {
    this.#held.clear();
    this.#returning.clear();
    const rows = this.#core.db.all<{ id: number; worker: string; holds_slot: number }>(
      "SELECT id, worker, holds_slot FROM builds WHERE state <> 'finished' ORDER BY id",
    );
    for (const row of rows) if (row.holds_slot === 1) this.#set(row.worker).add(row.id);
  }

  #set(worker: string): Set<number> {
    let set = this.#held.get(worker);
    if (set === undefined) {
      set = new Set();
      this.#held.set(worker, set);
    }
    return set;
  }

  /** Builds that hold a slot of the worker. */
  holders(worker: string): ReadonlySet<number> {
    return this.#set(worker);
  }

  /** Builds that want their slot back, first in line first. */
  returning(worker: string): readonly number[] {
    return this.#returning.get(worker) ?? [];
  }

  take(worker: string, buildId: number): void {
    this.#returning.set(
      worker,
      this.returning(worker).filter((id) => id !== buildId),
    );
    this.#set(worker).add(buildId);
    this.#core.db.update('builds', { id: buildId }, { holds_slot: 1 });
    this.#core.touch('worker', worker);
  }

  /** Stands in line for a slot; before every new request. */
  await(worker: string, buildId: number): void {
    if (!this.returning(worker).includes(buildId)) this.#returning.set(worker, [...this.returning(worker), buildId]);
  }

  give(worker: string, buildId: number): void {
    this.#returning.set(
      worker,
      this.returning(worker).filter((id) => id !== buildId),
    );
    if (!this.#set(worker).delete(buildId)) return;
    this.#core.db.update('builds', { id: buildId }, { holds_slot: 0 });
    this.#core.touch('worker', worker);
    this.freed.fire(worker);
  }
}
