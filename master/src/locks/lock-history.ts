import type { Core } from '../engine/core.ts';
import type { LockClaimRow, LockKeeper } from './lock-keeper.ts';

/** Uses of one lock that are kept: a day of a busy one. */
export const MOST_USES = 500;
/** Older ones go once for so many that come. */
const FORGET_EVERY = 50;

/** Writes down who held a lock and how long, when it is given back. */
export class LockHistory {
  readonly #core: Core;
  #unforgotten = 0;

  constructor(core: Core, locks: LockKeeper) {
    this.#core = core;
    locks.released.on((claim) => this.#note(claim));
  }

  #note({ lock, holder, mode, count, queued_at, granted_at }: LockClaimRow): void {
    if (granted_at === null) return;
    const { db } = this.#core;
    const released_at = this.#core.now();
    db.insert('lock_uses', { lock, holder, mode, count, queued_at, granted_at, released_at });
    this.#unforgotten += 1;
    if (this.#unforgotten < FORGET_EVERY) return;
    this.#unforgotten = 0;
    for (const { lock: name } of db.all<{ lock: string }>('SELECT DISTINCT lock FROM lock_uses'))
      db.run(
        'DELETE FROM lock_uses WHERE lock = ? AND id <= (SELECT id FROM lock_uses WHERE lock = ? ORDER BY id DESC LIMIT 1 OFFSET ?)',
        name,
        name,
        MOST_USES,
      );
  }
}
