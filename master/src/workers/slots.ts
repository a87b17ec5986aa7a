import type { Core } from '../engine/core.ts';
import { Hook } from '../engine/hooks.ts';
import type { SiteConfig } from '../engine/site-config.ts';

/**
 * Which builds hold a slot on which worker. A build that waits in a trigger gives its slot back, and is first in line
 * for one when it goes on. Derived from the builds' rows; the queue of those that want theirs back, too.
 */
export class Slots {
  /** There may be a slot where there was none. */
  readonly freed = new Hook<string>();
  readonly #core: Core;
  readonly #config: SiteConfig;
  readonly #held = new Map<string, Set<number>>();
  readonly #returning = new Map<string, number[]>();

  constructor(core: Core, config: SiteConfig) {
    this.#core = core;
    this.#config = config;
    this.#read();
    core.rolledBack.on(() => this.#read());
    config.applied.on(() => {
      for (const worker of this.#held.keys()) this.freed.fire(worker);
    });
  }

  #read(): void {
    this.#held.clear();
    this.#returning.clear();
    const rows = this.#core.db.all<{ id: number; worker: string; holds_slot: number }>(
      "SELECT id, worker, holds_slot FROM builds WHERE state <> 'finished' ORDER BY id",
    );
    for (const row of rows) if (row.holds_slot === 1) this.#set(row.worker).add(row.id);
    const returning = this.#core.db.all<{ id: number; worker: string }>(
      `SELECT builds.id, builds.worker FROM builds JOIN steps ON steps.build_id = builds.id
         WHERE builds.state <> 'finished' AND builds.state = 'waiting' AND builds.holds_slot = 0
           AND steps.state = 'running' AND json_extract(steps.blocker, '$.kind') = 'slot' ORDER BY builds.id`,
    );
    for (const { id, worker } of returning) this.await(worker, id);
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

  /** Slots that a new build could take: those that nobody holds and no build waits to get back. */
  free(worker: string): number {
    return Math.max(0, this.#most(worker) - this.holders(worker).size - this.returning(worker).length);
  }

  /** Whether a build may take its slot back: there is one, and it is first in line. */
  mayReturn(worker: string, buildId: number): boolean {
    const first = this.returning(worker)[0] ?? buildId;
    return first === buildId && this.holders(worker).size < this.#most(worker);
  }

  /** A worker that left the configuration ends what it has, and gets nothing new from the distributor. */
  #most(worker: string): number {
    return this.#config.worker(worker)?.maxBuilds ?? Number.POSITIVE_INFINITY;
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
