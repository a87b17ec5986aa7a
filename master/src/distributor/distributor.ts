import type { Blocker, LockHolder, Request } from '@icefall/shared';
import type { Builds } from '../builds/builds.ts';
import type { BuilderDeclaration, WorkerChoice } from '../config/builders.ts';
import type { LockAccess } from '../config/locks.ts';
import { toColumn } from '../db/rows.ts';
import type { Core } from '../engine/core.ts';
import type { SiteConfig } from '../engine/site-config.ts';
import type { LockKeeper } from '../locks/lock-keeper.ts';
import type { Buildsets } from '../requests/buildsets.ts';
import type { RequestRow, Requests } from '../requests/requests.ts';
import type { Slots } from '../workers/slots.ts';
import { Alarms } from './alarms.ts';
import { holderOf, RequestClaims, requestOf } from './request-claims.ts';
import { askNextRequest, askWorker } from './site-choices.ts';
import { WorkerPool, type WorkerStates } from './worker-pool.ts';

/** Requests of a builder that are looked at, and say precisely why they wait; those after them wait behind these. */
const LOOK_AHEAD = 100;
/** What the site's functions held back is asked again after this long: nothing else may wake it. */
const ASK_AGAIN_MS = 10_000;

export interface DistributorRooms {
  readonly buildsets: Buildsets;
  readonly requests: Requests;
  readonly builds: Builds;
  readonly slots: Slots;
  readonly locks: LockKeeper;
  readonly workers: WorkerStates;
  /** Describes who holds a lock. */
  readonly lockHolders: (lock: string) => LockHolder[];
}

/**
 * Decides which request starts on which worker, and records for every other why it waits. A builder is looked at when
 * something happened that may matter to it; among those, the request of highest priority, then the oldest, goes first.
 */
export class Distributor {
  readonly #core: Core;
  readonly #config: SiteConfig;
  readonly #rooms: DistributorRooms;
  readonly #pool: WorkerPool;
  readonly #claims: RequestClaims;
  readonly #alarms: Alarms;
  readonly #dirty = new Set<string>();
  /** What all pending requests of a builder were told, as long as they are the same requests. */
  readonly #explained = new Map<string, string>();
  #drainingSince: number | null = null;
  /** What was in force before the turn that changes it. */
  #drainingBefore: { readonly since: number | null } | null = null;

  constructor(core: Core, config: SiteConfig, rooms: DistributorRooms) {
    this.#core = core;
    this.#config = config;
    this.#rooms = rooms;
    this.#pool = new WorkerPool(core, rooms.slots, rooms.workers);
    this.#claims = new RequestClaims(rooms.locks, rooms.requests);
    this.#alarms = new Alarms(core, (builder) => this.#wake(builder));
    rooms.locks.isReady = (holder) => this.#isReady(holder);
    this.#listen();
  }

  #listen(): void {
    const { buildsets, builds, slots, locks } = this.#rooms;
    buildsets.requested.on(({ requestId, builder }) => {
      this.#collapse(requestId, builder);
      this.#wakeAfresh(builder);
    });
    builds.finished.on(({ builder }) => this.#wakeAfresh(builder));
    slots.freed.on((worker) => this.wakeWorker(worker));
    locks.changed.on(() => {
      for (const { builder } of this.#claims.waiting()) this.#wake(builder);
    });
    locks.withdrawn.on((holder) => {
      // Those behind it in its builder waited with its claim.
      const builder = this.#rooms.requests.row(requestOf(holder) ?? 0)?.builder;
      if (builder !== undefined) this.#wake(builder);
    });
    locks.granted.on((holder) => {
      const requestId = requestOf(holder);
      if (requestId !== null) this.#startGrantedLater(requestId);
    });
    this.#config.applied.on(() => this.wakeAll());
    this.#core.rolledBack.on(() => {
      this.#explained.clear();
      if (this.#drainingBefore !== null) this.#drainingSince = this.#drainingBefore.since;
      this.#drainingBefore = null;
    });
  }

  /** Looks at everything; at start and with a new configuration. Inside a turn. */
  wakeAll(): void {
    for (const builder of this.#rooms.requests.buildersWithPending()) this.#wakeAfresh(builder);
  }

  /** Since when nothing new is started; null: it is. */
  get drainingSince(): number | null {
    return this.#drainingSince;
  }

  /**
   * Starts nothing new from now on, or does so again: requests are accepted and wait. What builds that run have
   * triggered is started, or they would never end. Inside a turn.
   */
  setDraining(isDraining: boolean): void {
    const before = this.#drainingSince;
    if (isDraining === (before !== null)) return;
    this.#drainingSince = isDraining ? this.#core.now() : null;
    this.#drainingBefore = { since: before };
    this.#core.afterCommit(() => {
      this.#drainingBefore = null;
    });
    this.wakeAll();
  }

  /** A worker came, left, was paused, or has a free slot. Inside a turn. */
  wakeWorker(worker: string): void {
    for (const builder of this.#config.buildersOf(worker)) this.#wake(builder.name);
    this.#rooms.locks.wake();
  }

  /** Forgets its timers; for the end of the master. */
  stop(): void {
    this.#alarms.stop();
  }

  #wake(builder: string): void {
    this.#dirty.add(builder);
    // Last: builds that go on take their slots and locks before new ones start.
    this.#core.enqueueLast('distribute', () => this.#distribute());
  }

  #wakeAfresh(builder: string): void {
    this.#explained.delete(builder);
    this.#wake(builder);
  }

  #collapse(requestId: number, name: string): void {
    const builder = this.#config.builder(name);
    if (builder === null) return;
    try {
      for (const taken of this.#rooms.requests.collapse(requestId, builder))
        this.#rooms.locks.rename(holderOf(taken), holderOf(requestId));
      // One that was granted its locks in this very turn hands on the grant, too.
      if (this.#rooms.locks.isGranted(holderOf(requestId))) this.#startGrantedLater(requestId);
    } catch (error) {
      // A mistake in the site's function: both requests are built.
      this.#core.log.error({ builder: name, requestId, error }, `collapseRequests of builder "${name}" failed`);
    }
  }

  #distribute(): void {
    const tops = new Map<string, RequestRow>();
    for (const name of this.#dirty) this.#look(name, tops);
    this.#dirty.clear();
    for (let name = foremost(tops); name !== null; name = foremost(tops)) {
      tops.delete(name);
      const builder = this.#config.builder(name);
      if (builder !== null && this.#tryOne(builder)) this.#look(name, tops);
    }
  }

  /** Notes a builder's foremost request, if there is a worker for it; otherwise records why its requests wait. */
  #look(name: string, tops: Map<string, RequestRow>): void {
    const builder = this.#config.builder(name);
    if (builder !== null && this.#drainingSince !== null && this.#due(name).length === 0) {
      this.#explain(name, { kind: 'draining', since: this.#drainingSince });
      return;
    }
    const isServed = builder?.workers.some((worker) => this.#pool.isFree(worker.name)) ?? false;
    if (builder === null || !isServed) {
      this.#explain(name, builder === null ? { kind: 'builderGone', builder: name } : this.#pool.obstacle(builder));
      return;
    }
    const [top] = this.#due(name, 1);
    if (top !== undefined) tops.set(name, top);
  }

  /** Requests that could be started as far as the master is concerned: all of them, unless it drains. */
  #due(builder: string, limit = LOOK_AHEAD, told: string | null = null): RequestRow[] {
    const { requests } = this.#rooms;
    return this.#drainingSince === null
      ? requests.pending(builder, limit, told)
      : requests.pendingOfActiveBuilds(builder, limit);
  }

  /** Tells all pending requests of a builder the same, except those that wait for their back-off. */
  #explain(builder: string, blocker: Blocker): void {
    const text = toColumn(blocker);
    if (this.#explained.get(builder) === text) return;
    const { due } = this.#pending(builder, text);
    for (const row of due) this.#rooms.requests.block(row, blocker);
    this.#rooms.requests.blockUnexplained(builder, { kind: 'behind', builder });
    this.#explained.set(builder, text);
  }

  /**
   * The first requests of a builder that may be tried now; those whose back-off runs say so, and an alarm is set. With
   * `told`, requests that have this blocker already may be left out.
   */
  #pending(builder: string, told: string | null = null): { due: RequestRow[] } {
    const now = this.#core.now();
    const rows = this.#due(builder, LOOK_AHEAD, told);
    if (this.#drainingSince !== null) this.#hold(builder, rows, this.#drainingSince);
    const [waiting, due] = [
      rows.filter((row) => (row.not_before ?? 0) > now),
      rows.filter((row) => (row.not_before ?? 0) <= now),
    ];
    for (const row of waiting) {
      const until = row.not_before ?? now;
      this.#rooms.requests.block(row, { kind: 'backOff', until, attempt: row.attempts + 1 });
      this.#alarms.set(builder, until);
    }
    return { due };
  }

  /** Tells the requests of a builder that the master drains, but for those that it starts nevertheless. */
  #hold(builder: string, due: readonly RequestRow[], since: number): void {
    const { requests } = this.#rooms;
    const started = new Set(due.map(({ id }) => id));
    for (const row of requests.pending(builder, LOOK_AHEAD))
      if (!started.has(row.id)) requests.block(row, { kind: 'draining', since });
  }

  /** Starts one request of a builder if that is possible; otherwise records what is in the way. */
  #tryOne(builder: BuilderDeclaration): boolean {
    const free = this.#pool.free(builder);
    if (this.#startFirst(builder, free)) return true;
    const { due } = this.#pending(builder.name);
    if (due.length === 0) return false;
    if (free.length === 0) {
      this.#explain(builder.name, this.#pool.obstacle(builder));
      return false;
    }
    this.#explained.delete(builder.name);
    const isStarted =
      builder.nextRequest === null ? this.#tryInOrder(builder, due, free) : this.#tryChosen(builder, due, free);
    this.#rooms.requests.blockUnexplained(builder.name, { kind: 'behind', builder: builder.name });
    return isStarted;
  }

  /**
   * Starts the first request of a builder where nothing but a worker is needed for that: then the others need not be
   * looked at, which is most of the work with a long queue.
   */
  #startFirst(builder: BuilderDeclaration, [worker]: readonly WorkerChoice[]): boolean {
    if (worker === undefined || this.#drainingSince !== null) return false;
    const { nextRequest, nextWorker, mayStart } = builder;
    if (nextRequest !== null || nextWorker !== null || mayStart !== null) return false;
    if (this.#locksOf(builder, worker.name).length > 0) return false;
    const [first] = this.#due(builder.name, 1);
    if (first === undefined || (first.not_before ?? 0) > this.#core.now()) return false;
    this.#start(first, builder, worker.name);
    this.#rooms.requests.blockUnexplained(builder.name, { kind: 'behind', builder: builder.name });
    return true;
  }

  #tryInOrder(builder: BuilderDeclaration, due: readonly RequestRow[], free: readonly WorkerChoice[]): boolean {
    for (const [i, row] of due.entries()) {
      const blocker = this.#tryRequest(builder, row, free);
      if (blocker === null) return true;
      // Whoever waits for locks waits first in line; those behind it wait for the same.
      for (const other of blocker.kind === 'lock' ? due.slice(i) : [row]) this.#rooms.requests.block(other, blocker);
      if (blocker.kind === 'lock') return false;
    }
    return false;
  }

  #tryChosen(builder: BuilderDeclaration, due: readonly RequestRow[], free: readonly WorkerChoice[]): boolean {
    const views = due.map((row) => this.#rooms.requests.view(row));
    const answer = askNextRequest(builder, views);
    const chosen = due.find((row) => row.id === answer.chosen?.id);
    const blocker =
      chosen === undefined ? this.#heldBack(builder, answer.refusal) : this.#tryRequest(builder, chosen, free);
    for (const row of due) {
      if (row === chosen) {
        if (blocker !== null) this.#rooms.requests.block(row, blocker);
      } else
        this.#rooms.requests.block(row, chosen === undefined && blocker !== null ? blocker : { kind: 'notChosen' });
    }
    return blocker === null;
  }

  #heldBack(builder: BuilderDeclaration, refusal: string | null): Blocker {
    this.#alarms.set(builder.name, this.#core.now() + ASK_AGAIN_MS);
    return refusal === null ? { kind: 'notChosen' } : { kind: 'mayStart', reason: refusal };
  }

  /** Starts a request; gives what is in the way if it could not. */
  #tryRequest(builder: BuilderDeclaration, row: RequestRow, free: readonly WorkerChoice[]): Blocker | null {
    const asksSite = builder.nextWorker !== null || builder.mayStart !== null;
    const view = asksSite ? this.#rooms.requests.view(row) : null;
    const own = { chosen: this.#unlocked(builder, row, free), refusal: null };
    const answer = view === null ? own : askWorker(builder, free, view);
    if (answer.chosen === null) return this.#heldBack(builder, answer.refusal);
    const worker = answer.chosen.name;
    const accesses = this.#locksOf(builder, worker);
    if (accesses.length > 0 && !this.#claims.claim(builder.name, row.id, accesses, worker))
      return this.#lockBlocker(row.id) ?? this.#pool.obstacle(builder);
    this.#start(row, builder, worker);
    return null;
  }

  /** The first worker that is free, but rather one on which the build would not have to wait for locks of the worker. */
  #unlocked(builder: BuilderDeclaration, row: RequestRow, free: readonly WorkerChoice[]): WorkerChoice | null {
    const [first = null] = free;
    if (free.length < 2) return first;
    const hasWorkerLocks = free.some(({ name }) =>
      this.#locksOf(builder, name).some(({ lock }) => lock.scope === 'worker'),
    );
    if (!hasWorkerLocks || this.#rooms.locks.isGranted(holderOf(row.id))) return first;
    const isOpen = ({ name }: WorkerChoice) =>
      this.#rooms.locks.wouldGrant(holderOf(row.id), this.#locksOf(builder, name), name);
    return free.find(isOpen) ?? this.#claimed(row, free) ?? first;
  }

  /** The worker whose locks the request waits for already: it keeps its place there. */
  #claimed(row: RequestRow, free: readonly WorkerChoice[]): WorkerChoice | null {
    const claimed = this.#claims.workerOf(row.id);
    return free.find(({ name }) => name === claimed) ?? null;
  }

  #locksOf(builder: BuilderDeclaration, worker: string): LockAccess[] {
    return [...builder.locks, ...(this.#config.worker(worker)?.locks ?? [])];
  }

  #lockBlocker(requestId: number): Blocker | null {
    const obstacle = this.#rooms.locks.obstacle(holderOf(requestId));
    if (obstacle === null) return null;
    const { want, position } = obstacle;
    return { kind: 'lock', lock: want.lock, mode: want.mode, position, holders: this.#rooms.lockHolders(want.lock) };
  }

  #start(row: RequestRow, builder: BuilderDeclaration, worker: string): void {
    this.#pool.given(worker);
    this.#explained.delete(builder.name);
    this.#rooms.builds.start(row, builder, worker);
  }

  /** A claim that waits is granted only if its build could start at once. */
  #isReady(holder: string): boolean {
    const requestId = requestOf(holder);
    return requestId === null || this.#readyWorker(requestId) !== null;
  }

  #readyWorker(requestId: number): { row: RequestRow; builder: BuilderDeclaration; worker: string } | null {
    const row = this.#rooms.requests.row(requestId);
    const builder = row === null ? null : this.#config.builder(row.builder);
    if (row?.state !== 'pending' || builder === null) return null;
    if (this.#drainingSince !== null && !this.#due(row.builder).some((due) => due.id === requestId)) return null;
    const claimed = this.#claims.workerOf(requestId);
    const free = this.#pool.free(builder).filter((worker) => claimed === null || worker.name === claimed);
    const worker = this.#allowed(builder, free, row);
    return worker === null ? null : { row, builder, worker };
  }

  #allowed(builder: BuilderDeclaration, free: readonly WorkerChoice[], row: RequestRow): string | null {
    const [first] = free;
    if (first === undefined) return null;
    if (builder.nextWorker === null && builder.mayStart === null) return first.name;
    const view: Request = this.#rooms.requests.view(row);
    return askWorker(builder, free, view).chosen?.name ?? null;
  }

  #startGrantedLater(requestId: number): void {
    this.#core.enqueue(`granted ${holderOf(requestId)}`, () => this.#startGranted(requestId));
  }

  /** Somebody else may have been granted locks and taken the slot in the same moment: then it waits again, in its place. */
  #startGranted(requestId: number): void {
    if (!this.#rooms.locks.isGranted(holderOf(requestId))) return;
    const ready = this.#readyWorker(requestId);
    if (ready === null) {
      this.#rooms.locks.returnToQueue(holderOf(requestId));
      return;
    }
    this.#start(ready.row, ready.builder, ready.worker);
    this.#wake(ready.builder.name);
  }
}

/** The builder whose first request goes first of all. */
function foremost(tops: ReadonlyMap<string, RequestRow>): string | null {
  let best: RequestRow | null = null;
  for (const row of tops.values()) if (best === null || isBefore(row, best)) best = row;
  return best?.builder ?? null;
}

function isBefore(a: RequestRow, b: RequestRow): boolean {
  if (a.priority !== b.priority) return a.priority > b.priority;
  return a.submitted_at === b.submitted_at ? a.id < b.id : a.submitted_at < b.submitted_at;
}
