import type { Blocker, Request } from '@icefall/shared';
import type { Builds } from '../builds/builds.ts';
import type { BuilderDeclaration, WorkerChoice } from '../config/builders.ts';
import type { Core } from '../engine/core.ts';
import type { SiteConfig } from '../engine/site-config.ts';
import type { LockBlockers } from '../locks/lock-blockers.ts';
import type { LockKeeper } from '../locks/lock-keeper.ts';
import type { Requests } from '../requests/requests.ts';
import type { RequestRow } from '../requests/rows.ts';
import type { Alarms } from './alarms.ts';
import type { Queue } from './queue.ts';
import { holderOf, type RequestClaims, requestOf } from './request-claims.ts';
import { askNextRequest, askWorker } from './site-choices.ts';
import type { WorkerPool } from './worker-pool.ts';

/** What the site's functions held back is asked again after this long: nothing else may wake it. */
const ASK_AGAIN_MS = 10_000;

export interface StarterRooms {
  readonly requests: Requests;
  readonly builds: Builds;
  readonly locks: LockKeeper;
  readonly lockBlockers: LockBlockers;
}

interface StarterParts {
  readonly queue: Queue;
  readonly pool: WorkerPool;
  readonly claims: RequestClaims;
  readonly alarms: Alarms;
}

/** Starts the next request of a builder: the site's choices, a worker, the locks of the build. Inside turns. */
export class Starter {
  readonly #core: Core;
  readonly #config: SiteConfig;
  readonly #rooms: StarterRooms;
  readonly #queue: Queue;
  readonly #pool: WorkerPool;
  readonly #claims: RequestClaims;
  readonly #alarms: Alarms;

  constructor(core: Core, config: SiteConfig, rooms: StarterRooms, { queue, pool, claims, alarms }: StarterParts) {
    this.#core = core;
    this.#config = config;
    this.#rooms = rooms;
    this.#queue = queue;
    this.#pool = pool;
    this.#claims = claims;
    this.#alarms = alarms;
  }

  /** Starts one request of a builder if that is possible; otherwise records what is in the way. */
  tryOne(builder: BuilderDeclaration): boolean {
    const free = this.#pool.free(builder);
    if (this.#startFirst(builder, free)) return true;
    const due = this.#queue.due(builder.name);
    if (due.length === 0) return false;
    if (free.length === 0) {
      this.tellObstacle(builder);
      return false;
    }
    this.#queue.changed(builder.name);
    const isStarted =
      builder.nextRequest === null ? this.#tryInOrder(builder, due, free) : this.#tryChosen(builder, due, free);
    this.#queue.tellRest(builder.name);
    return isStarted;
  }

  /** Records for the requests of a builder that they wait for a worker, and why there is none. */
  tellObstacle(builder: BuilderDeclaration): void {
    if (this.#pool.isChoosy(builder)) this.#queue.tellEach(builder.name, (row) => this.#pool.obstacle(builder, row));
    else this.#queue.tellAll(builder.name, this.#pool.obstacle(builder));
  }

  /**
   * Starts the first request of a builder where nothing but a worker is needed for that: then the others need not be
   * looked at, which is most of the work with a long queue.
   */
  #startFirst(builder: BuilderDeclaration, [worker]: readonly WorkerChoice[]): boolean {
    if (worker === undefined) return false;
    const { nextRequest, nextWorker, mayStart } = builder;
    if (nextRequest !== null || nextWorker !== null || mayStart !== null) return false;
    if (this.#config.locksOf(builder, worker.name).length > 0) return false;
    const first = this.#queue.first(builder.name);
    if (first === null || this.#queue.isBackingOff(first) || !this.#pool.fits(worker.name, first)) return false;
    this.#start(first, builder, worker.name);
    this.#queue.tellRest(builder.name);
    return true;
  }

  #tryInOrder(builder: BuilderDeclaration, due: readonly RequestRow[], free: readonly WorkerChoice[]): boolean {
    for (const [i, row] of due.entries()) {
      const blocker = this.#tryRequest(builder, row, free);
      if (blocker === null) return true;
      if (blocker.kind !== 'lock') {
        this.#queue.tell(row, blocker);
        continue;
      }
      // Whoever waits for locks waits first in line; those behind it wait for the same, each for one build more.
      for (const [ahead, other] of due.slice(i).entries())
        this.#queue.tell(other, { ...blocker, position: blocker.position + ahead });
      return false;
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
        if (blocker !== null) this.#queue.tell(row, blocker);
      } else this.#queue.tell(row, chosen === undefined && blocker !== null ? blocker : { kind: 'notChosen' });
    }
    return blocker === null;
  }

  #heldBack(builder: BuilderDeclaration, refusal: string | null): Blocker {
    this.#alarms.set(builder.name, this.#core.now() + ASK_AGAIN_MS);
    return refusal === null ? { kind: 'notChosen' } : { kind: 'mayStart', reason: refusal };
  }

  /** Starts a request; gives what is in the way if it could not. */
  #tryRequest(builder: BuilderDeclaration, row: RequestRow, idle: readonly WorkerChoice[]): Blocker | null {
    const free = idle.filter(({ name }) => this.#pool.fits(name, row));
    if (free.length === 0) return this.#pool.obstacle(builder, row);
    const asksSite = builder.nextWorker !== null || builder.mayStart !== null;
    const view = asksSite ? this.#rooms.requests.view(row) : null;
    const own = { chosen: this.#unlocked(builder, row, free), refusal: null };
    const answer = view === null ? own : askWorker(builder, free, view);
    if (answer.chosen === null) return this.#heldBack(builder, answer.refusal);
    const worker = answer.chosen.name;
    const accesses = this.#config.locksOf(builder, worker);
    if (accesses.length > 0 && !this.#claims.claim(builder.name, row.id, accesses, worker))
      return this.#rooms.lockBlockers.of(holderOf(row.id)) ?? this.#pool.obstacle(builder, row);
    this.#start(row, builder, worker);
    return null;
  }

  /** The first worker that is free, but rather one on which the build would not have to wait for locks of the worker. */
  #unlocked(builder: BuilderDeclaration, row: RequestRow, free: readonly WorkerChoice[]): WorkerChoice | null {
    const [first = null] = free;
    if (free.length < 2) return first;
    const hasWorkerLocks = free.some(({ name }) =>
      this.#config.locksOf(builder, name).some(({ lock }) => lock.scope === 'worker'),
    );
    if (!hasWorkerLocks || this.#rooms.locks.isGranted(holderOf(row.id))) return first;
    const isOpen = ({ name }: WorkerChoice) =>
      this.#rooms.locks.wouldGrant(holderOf(row.id), this.#config.locksOf(builder, name), name);
    return free.find(isOpen) ?? this.#claimed(row, free) ?? first;
  }

  /** The worker whose locks the request waits for already: it keeps its place there. */
  #claimed(row: RequestRow, free: readonly WorkerChoice[]): WorkerChoice | null {
    const claimed = this.#claims.workerOf(row.id);
    return free.find(({ name }) => name === claimed) ?? null;
  }

  #start(row: RequestRow, builder: BuilderDeclaration, worker: string): void {
    this.#pool.given(worker);
    this.#queue.changed(builder.name);
    this.#rooms.builds.start(row, builder, worker);
  }

  /** A claim that waits is granted only if its build could start at once. */
  isReady(holder: string): boolean {
    const requestId = requestOf(holder);
    return requestId === null || this.#readyWorker(requestId) !== null;
  }

  #readyWorker(requestId: number): { row: RequestRow; builder: BuilderDeclaration; worker: string } | null {
    const row = this.#rooms.requests.row(requestId);
    const builder = row === null ? null : this.#config.builder(row.builder);
    if (row?.state !== 'pending' || builder === null) return null;
    if (!this.#queue.isOpen(row)) return null;
    const claimed = this.#claims.workerOf(requestId);
    const free = this.#pool
      .free(builder)
      .filter(({ name }) => (claimed === null || name === claimed) && this.#pool.fits(name, row));
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

  /** Gives whether the build has started. Somebody else may have been granted locks and taken the slot in the same moment: then it waits again, in its place. */
  startGranted(requestId: number): boolean {
    if (!this.#rooms.locks.isGranted(holderOf(requestId))) return false;
    const ready = this.#readyWorker(requestId);
    if (ready === null) {
      this.#rooms.locks.returnToQueue(holderOf(requestId));
      return false;
    }
    this.#start(ready.row, ready.builder, ready.worker);
    return true;
  }
}
