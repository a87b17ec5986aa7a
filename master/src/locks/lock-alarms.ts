import { lockOfKey } from '../config/locks.ts';
import type { Core } from '../engine/core.ts';
import type { Timer } from '../engine/ports.ts';
import type { SiteConfig } from '../engine/site-config.ts';
import type { LockClaimRow, LockKeeper } from './lock-keeper.ts';

type Waiting = Pick<LockClaimRow, 'lock' | 'queued_at'>;

/**
 * Watches that nobody waits longer for a lock than its `alarmAfter`. While somebody does, an alarm is raised (which goes
 * to the log once, and again after a restart); clients see the lock anew when that begins and ends.
 */
export class LockAlarms {
  readonly #core: Core;
  readonly #config: SiteConfig;
  /** Locks whose alarm is raised. */
  readonly #raised = new Set<string>();
  #timer: Timer | null = null;

  constructor(core: Core, config: SiteConfig, locks: LockKeeper) {
    this.#core = core;
    this.#config = config;
    const lookLater = () => core.enqueueLast('lock alarms', () => core.afterCommit(() => this.look()));
    locks.changed.on(() => {
      if (this.#isUsed()) lookLater();
    });
    config.applied.on(lookLater);
    core.clockWatch.jumped.on(lookLater);
  }

  /** Forgets its timer; for the end of the master. */
  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  #isUsed(): boolean {
    return this.#raised.size > 0 || this.#config.site.locks.some((lock) => lock.alarmAfterMs !== null);
  }

  /** Looks at who waits; outside turns. Call once at start. */
  look(): void {
    this.stop();
    const late = this.#isUsed() ? this.#late() : new Set<string>();
    for (const lock of late) if (!this.#raised.has(lock)) this.#raise(lock);
    for (const lock of this.#raised) if (!late.has(lock)) this.#clear(lock);
  }

  /** Locks that are waited for too long; sets the timer for the next one that will be. */
  #late(): Set<string> {
    const now = this.#core.now();
    const rows = this.#core.db.all<Waiting>(
      'SELECT lock, queued_at FROM lock_claims WHERE granted_at IS NULL ORDER BY queued_at, id',
    );
    const due = rows.flatMap((claim) => {
      const limit = this.#limit(claim.lock);
      return limit === null ? [] : [{ lock: claim.lock, at: claim.queued_at + limit }];
    });
    const next = Math.min(...due.map(({ at }) => at).filter((at) => at > now));
    if (Number.isFinite(next)) this.#timer = this.#core.clock.at(next, () => this.look());
    return new Set(due.filter(({ at }) => at <= now).map(({ lock }) => lock));
  }

  #limit(key: string): number | null {
    return this.#config.lock(lockOfKey(key).name)?.alarmAfterMs ?? null;
  }

  #raise(lock: string): void {
    this.#raised.add(lock);
    this.#core.alarms.raise(
      `lockWait ${lock}`,
      `lock "${lock}" is waited for longer than its alarmAfter; "icefall locks" tells who holds it and who waits`,
    );
    this.#core.turn(() => this.#core.touch('lock', lock));
  }

  #clear(lock: string): void {
    this.#raised.delete(lock);
    this.#core.alarms.clear(`lockWait ${lock}`);
    this.#core.turn(() => this.#core.touch('lock', lock));
  }
}
