import { type LockAccess, lockOfKey, partsOf } from '../config/locks.ts';
import type { Core } from '../engine/core.ts';
import { Hook } from '../engine/hooks.ts';
import type { SiteConfig } from '../engine/site-config.ts';
import { type Claim, LockTable, type Obstacle, ownerOf, type Want } from './lock-table.ts';

export interface LockClaimRow {
  readonly id: number;
  readonly holder: string;
  readonly lock: string;
  readonly mode: 'counting' | 'exclusive';
  readonly count: number;
  readonly seq: number;
  readonly queued_at: number;
  readonly granted_at: number | null;
  readonly fence: number | null;
}

/**
 * What uses of locks ask for on a worker, by the keys that the table and clients know: a worker lock is one for each
 * worker, and a part of a path lock is a lock of its own, below those of what contains it.
 */
export function wantsOf(accesses: readonly LockAccess[], worker: string): Want[] {
  return accesses.flatMap((access) =>
    partsOf(access).map(({ key, mode, count }) => ({
      lock: access.lock.scope === 'worker' ? `${key}@${worker}` : key,
      mode,
      count,
    })),
  );
}

/**
 * The lock table with its leases on disk: holders and queue survive a restart, and every grant has a fencing number
 * that is higher than all before. Call inside turns.
 */
export class LockKeeper {
  /** A claim that waited was granted. */
  readonly granted = new Hook<string>();
  /** The queue is another; so are the holders of these locks. */
  readonly changed = new Hook<readonly string[]>();
  /** Somebody left the queue without having been served. */
  readonly withdrawn = new Hook<string>();
  /** A claim is over: given back, taken away, or taken out of the queue. */
  readonly released = new Hook<LockClaimRow>();
  /** A claim may have begun to wait for ever: one was not granted, or who is served next was looked at again. */
  readonly stalled = new Hook<void>();
  /** Whether a waiting claim could use its locks now; asked at every decision. */
  isReady: (holder: string) => boolean = () => true;
  readonly #core: Core;
  readonly #config: SiteConfig;
  #table: LockTable;

  constructor(core: Core, config: SiteConfig) {
    this.#core = core;
    this.#config = config;
    this.#table = this.#read();
    core.rolledBack.on(() => {
      this.#table = this.#read();
    });
    config.applied.on(() => this.wake());
    core.clockWatch.jumped.on((ms) => this.#clockJumped(ms));
  }

  /** The wall clock was set: who waits has waited for as long as before. */
  #clockJumped(ms: number): void {
    const { db } = this.#core;
    for (const { lock } of db.all<{ lock: string }>('SELECT DISTINCT lock FROM lock_claims WHERE granted_at IS NULL'))
      this.#core.touch('lock', lock);
    db.run('UPDATE lock_claims SET queued_at = queued_at + ? WHERE granted_at IS NULL', ms);
  }

  #read(): LockTable {
    const table = new LockTable((lock) => this.#limit(lock));
    const rows = this.#core.db.all<LockClaimRow>('SELECT * FROM lock_claims ORDER BY seq, id');
    for (const [holder, claims] of Map.groupBy(rows, (row) => row.holder)) {
      const wants = claims.map(({ lock, mode, count }): Want => ({ lock, mode, count }));
      const claim = { holder, seq: claims[0]?.seq ?? 0, wants };
      if (claims.every((row) => row.granted_at !== null)) table.restore(claim);
      else table.enqueue(claim);
    }
    return table;
  }

  #limit(key: string): number {
    const { name, worker } = lockOfKey(key);
    const lock = this.#config.lock(name);
    // A lock that left the configuration while somebody holds it: nobody else comes in.
    if (lock === null) return 1;
    return (worker === null ? undefined : lock.maxCountForWorker[worker]) ?? lock.maxCount;
  }

  /** Asks for all of the locks at once; gives whether they were granted at once. Otherwise `granted` tells later. */
  claim(holder: string, accesses: readonly LockAccess[], worker: string): boolean {
    const wants = wantsOf(accesses, worker);
    if (wants.length === 0) return true;
    const seq = this.#next('lock_seq');
    const queuedAt = this.#core.now();
    for (const want of wants) {
      this.#core.db.insert('lock_claims', { holder, ...want, seq, queued_at: queuedAt });
      this.#core.touch('lock', want.lock);
    }
    this.#table.enqueue({ holder, seq, wants });
    this.changed.fire([]);
    this.#grant(holder);
    const isGranted = this.#table.isGranted(holder);
    if (!isGranted) this.stalled.fire();
    return isGranted;
  }

  /** Gives back what a holder has, or takes it out of the queue. */
  release(holder: string): void {
    const rows = this.#core.db.all<LockClaimRow>('SELECT * FROM lock_claims WHERE holder = ?', holder);
    if (rows.length === 0) return;
    this.#core.db.run('DELETE FROM lock_claims WHERE holder = ?', holder);
    for (const row of rows) {
      this.#core.touch('lock', row.lock);
      this.released.fire(row);
    }
    const isWaiting = this.#table.isWaiting(holder);
    this.#table.release(holder);
    this.changed.fire(rows.map(({ lock }) => lock));
    if (isWaiting) this.withdrawn.fire(holder);
    this.wake();
  }

  /** Hands a claim on with its place in the queue: to the build that a request became, or to a request that goes first. */
  rename(from: string, to: string): void {
    this.#core.db.run('UPDATE lock_claims SET holder = ? WHERE holder = ?', to, from);
    const { granted, waiting } = this.#table;
    const claim = [...granted, ...waiting].find((candidate) => candidate.holder === from);
    if (claim === undefined) return;
    const isGranted = this.#table.isGranted(from);
    this.#table.release(from);
    if (isGranted) this.#table.restore({ ...claim, holder: to });
    else this.#table.enqueue({ ...claim, holder: to });
    this.#holdersChanged(claim);
  }

  /** Takes a grant back that its holder could not use; it keeps its place in the queue. */
  returnToQueue(holder: string): void {
    const claim = this.#table.granted.find((candidate) => candidate.holder === holder);
    if (claim === undefined) return;
    this.#core.db.update('lock_claims', { holder }, { granted_at: null, fence: null });
    this.#table.release(holder);
    this.#table.enqueue(claim);
    this.#holdersChanged(claim);
    this.wake();
  }

  /** Looks at the queue again before this turn ends. */
  wake(): void {
    this.#core.enqueue('locks', () => {
      this.#grant(null);
      this.stalled.fire();
    });
  }

  #grant(asking: string | null): void {
    for (const claim of this.#table.grant((waiter) => this.isReady(waiter.holder))) {
      this.#note(claim);
      if (claim.holder !== asking) this.granted.fire(claim.holder);
    }
  }

  #note(claim: Claim): void {
    const fence = this.#nextFence();
    this.#core.db.update('lock_claims', { holder: claim.holder }, { granted_at: this.#core.now(), fence });
    this.#holdersChanged(claim);
  }

  #holdersChanged({ wants }: Claim): void {
    for (const { lock } of wants) this.#core.touch('lock', lock);
    this.changed.fire(wants.map(({ lock }) => lock));
  }

  /** Never below the clock, so that a master that was restored from a backup gives no number twice. */
  #nextFence(): number {
    const { db } = this.#core;
    const row = db.one<{ value: string }>(
      `INSERT INTO meta (key, value) VALUES ('lock_fence', ?)
       ON CONFLICT (key) DO UPDATE SET value = MAX(value + 1, CAST(excluded.value AS INTEGER)) RETURNING value`,
      String(Math.max(1, Math.floor(this.#core.now()))),
    );
    return Number(row?.value);
  }

  #next(counter: string): number {
    const { db } = this.#core;
    db.run("INSERT INTO meta (key, value) VALUES (?, '1') ON CONFLICT (key) DO UPDATE SET value = value + 1", counter);
    return Number(db.one<{ value: string }>('SELECT value FROM meta WHERE key = ?', counter)?.value ?? 0);
  }

  isGranted(holder: string): boolean {
    return this.#table.isGranted(holder);
  }

  isWaiting(holder: string): boolean {
    return this.#table.isWaiting(holder);
  }

  obstacle(holder: string): Obstacle | null {
    return this.#table.obstacle(holder);
  }

  /** By holder, for all that wait. */
  obstacles(): Map<string, Obstacle> {
    return this.#table.obstacles();
  }

  /** Whether locks would be granted at once if somebody asked for them now. */
  wouldGrant(holder: string, accesses: readonly LockAccess[], worker: string): boolean {
    const wants = wantsOf(accesses, worker);
    return this.#table.wouldGrant({ holder, seq: Number.POSITIVE_INFINITY, wants }, (claim) => {
      return claim.holder !== holder && this.isReady(claim.holder);
    });
  }

  /** The table as it is, to try out what would happen. */
  tableCopy(): LockTable {
    return this.#table.copy();
  }

  /** Parties (`build:ID`, `request:ID`) that hold locks, for themselves or by a step. */
  ownersOfGranted(): Set<string> {
    return new Set(this.#table.granted.map((claim) => ownerOf(claim.holder)));
  }

  /** The highest number of the grants of several holders (a build and its step); null where they hold nothing. */
  fenceOf(holders: readonly string[]): number | null {
    const fences = holders.filter((holder) => this.isGranted(holder)).flatMap((holder) => this.fence(holder) ?? []);
    return fences.length === 0 ? null : Math.max(...fences);
  }

  /**
   * Takes one lock from its holder, who is not asked. Gives the fencing number of that grant; every later grant has a
   * higher one. Null where the holder does not hold it.
   */
  takeAway(holder: string, lock: string): number | null {
    const row = this.#core.db.one<LockClaimRow>(
      'SELECT * FROM lock_claims WHERE holder = ? AND lock = ? AND granted_at IS NOT NULL',
      holder,
      lock,
    );
    if (row === null) return null;
    this.#core.db.run('DELETE FROM lock_claims WHERE id = ?', row.id);
    this.#nextFence();
    this.#table.takeAway(holder, lock);
    this.#core.touch('lock', lock);
    this.released.fire(row);
    this.changed.fire([lock]);
    this.wake();
    return row.fence;
  }

  /** The number of a holder's grant: later grants have higher ones. Null while it waits. */
  fence(holder: string): number | null {
    return (
      this.#core.db.one<{ fence: number | null }>(
        'SELECT MAX(fence) AS fence FROM lock_claims WHERE holder = ?',
        holder,
      )?.fence ?? null
    );
  }

  /** Names of the locks that a holder claims, granted or not. */
  locksOf(holder: string): string[] {
    return this.#core.db
      .all<{ lock: string }>('SELECT lock FROM lock_claims WHERE holder = ? ORDER BY id', holder)
      .map((row) => row.lock);
  }

  /** Numbers of a build's steps that hold locks. */
  stepsThatHold(buildId: number): number[] {
    const prefix = `step:${buildId}.`;
    return this.#table.holdersOf(`build:${buildId}`).flatMap((holder) => {
      return holder.startsWith(prefix) ? [Number(holder.slice(prefix.length))] : [];
    });
  }

  waitingHolders(): string[] {
    return this.#table.waiting.map((claim) => claim.holder);
  }

  /** Every holder with a claim, granted or waiting. */
  holders(): string[] {
    return [...this.#table.granted, ...this.#table.waiting].map((claim) => claim.holder);
  }
}
