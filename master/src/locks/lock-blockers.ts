import type { Blocker, LockHolder } from '@icefall/shared';
import type { Core } from '../engine/core.ts';
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

  constructor(core: Core, locks: LockKeeper) {
    this.#core = core;
    this.#locks = locks;
    locks.changed.on((changed) => {
      for (const lock of changed) this.#holders.delete(lock);
    });
    core.rolledBack.on(() => this.#holders.clear());
  }

  /** Who holds a lock (by its key), oldest grant first. */
  holders(lock: string): readonly LockHolder[] {
    const holders = this.#holders.get(lock) ?? lockHolders(this.#core, lock);
    this.#holders.set(lock, holders);
    return holders;
  }

  /** Why one claim waits; null where nothing stands in its way. */
  of(holder: string): Blocker | null {
    const obstacle = this.#locks.obstacle(holder);
    return obstacle === null ? null : this.#blocker(obstacle);
  }

  /** Why each waiting claim waits, by holder; those in whose way nothing stands are left out. */
  all(): Map<string, Blocker> {
    return new Map([...this.#locks.obstacles()].map(([holder, obstacle]) => [holder, this.#blocker(obstacle)]));
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
