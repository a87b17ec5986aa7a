import type { Blocker, LockHolder } from '@icefall/shared';
import type { Core } from '../engine/core.ts';
import type { SiteConfig } from '../engine/site-config.ts';
import { lockHolders } from './lock-holders.ts';
import type { LockKeeper } from './lock-keeper.ts';
import type { Obstacle } from './lock-table.ts';

/**
 * Holders that a blocker names, those that have the lock longest; the others are counted. With hundreds that wait for a
 * lock that a hundred hold, each of them is told anew whenever one of these gives it back.
 */
export const MOST_NAMED_HOLDERS = 10;

/** Why claims wait, as people are told. */
export class LockBlockers {
  readonly #core: Core;
  readonly #locks: LockKeeper;
  /** By lock, as long as nobody else gets it or gives it back. */
  readonly #holders = new Map<string, readonly LockHolder[]>();
  /** Of all that wait; null: the queue, or a limit, may be another since they were looked at. */
  #obstacles: ReadonlyMap<string, Obstacle> | null = null;

  constructor(core: Core, config: SiteConfig, locks: LockKeeper) {
    this.#core = core;
    this.#locks = locks;
    locks.changed.on((changed) => {
      for (const lock of changed) this.#holders.delete(lock);
      this.#obstacles = null;
    });
    config.applied.on(() => {
      this.#obstacles = null;
    });
    core.rolledBack.on(() => {
      this.#holders.clear();
      this.#obstacles = null;
    });
  }

  /** Who holds a lock (by its key), oldest grant first. */
  holders(lock: string): readonly LockHolder[] {
    const holders = this.#holders.get(lock) ?? lockHolders(this.#core, lock);
    this.#holders.set(lock, holders);
    return holders;
  }

  /** Why one claim waits; null where nothing stands in its way. */
  of(holder: string): Blocker | null {
    const obstacle = this.#all().get(holder);
    return obstacle === undefined ? null : this.#blocker(obstacle);
  }

  /** Why each waiting claim waits, by holder; those in whose way nothing stands are left out. */
  all(): Map<string, Blocker> {
    return new Map([...this.#all()].map(([holder, obstacle]) => [holder, this.#blocker(obstacle)]));
  }

  #all(): ReadonlyMap<string, Obstacle> {
    this.#obstacles ??= this.#locks.obstacles();
    return this.#obstacles;
  }

  #blocker({ want: { lock, mode }, position }: Obstacle): Blocker {
    const holders = this.holders(lock);
    const others = holders.length - MOST_NAMED_HOLDERS;
    return {
      ...{ kind: 'lock', lock, mode, position, holders: holders.slice(0, MOST_NAMED_HOLDERS) },
      ...(others > 0 ? { others } : {}),
    };
  }
}
