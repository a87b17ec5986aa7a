import type { Core } from '../engine/core.ts';
import type { LockClaimRow, LockKeeper } from './lock-keeper.ts';

/** Uses of one lock that are kept: a day of a busy one. */
export const MOST_USES = 500;
/** Of all locks together: parts of path locks are locks of their own, and there may be any number of them. */
export const MOST_USES_IN_ALL = 50_000;
/** Older ones go once for so many that come. */
const FORGET_EVERY = 50;

/** Writes down who held a lock and how long, when it is given back. */
export class LockHistory {
  readonly #core: Core;
  #noted = 0;
  /** Locks that were given back since older uses were forgotten the last time. */
  readonly #used = new Set<string>();

  constructor(core: Core, locks: LockKeeper) {
    this.#core = core;
    locks.released.on((claim) => this.#note(claim));
  }

  #note({ lock, holder, mode, count, queued_at, granted_at }: LockClaimRow): void {
    if (granted_at === null) return;
    const released_at = this.#core.now();
    this.#core.db.insert('lock_uses', { lock, holder, mode, count, queued_at, granted_at, released_at });
    this.#used.add(lock);
    this.#noted += 1;
    if (this.#noted % FORGET_EVERY === 0) this.#forgetOld();
  }

  #forgetOld(): void {
    const { db } = this.#core;
    for (const lock of this.#used)
      db.run(
        'DELETE FROM lock_uses WHERE lock = ? AND id <= (SELECT id FROM lock_uses WHERE lock = ? ORDER BY id DESC LIMIT 1 OFFSET ?)',
        lock,
        lock,
        MOST_USES,
      );
    this.#used.clear();
    db.run('DELETE FROM lock_uses WHERE id <= (SELECT MAX(id) FROM lock_uses) - ?', MOST_USES_IN_ALL);
  }
}
