import type { Blocker } from '@icefall/shared';
import type { BuilderDeclaration } from '../config/builders.ts';
import type { Core } from '../engine/core.ts';
import type { SiteConfig } from '../engine/site-config.ts';
import type { Buildsets } from '../requests/buildsets.ts';
import type { RequestRow } from '../requests/rows.ts';
import type { Slots } from '../workers/slots.ts';
import { Alarms } from './alarms.ts';
import { Draining } from './draining.ts';
import { Queue } from './queue.ts';
import { holderOf, RequestClaims, requestOf } from './request-claims.ts';
import { Starter, type StarterRooms } from './starter.ts';
import { WorkerPool, type WorkerStates } from './worker-pool.ts';

export interface DistributorRooms extends StarterRooms {
  readonly buildsets: Buildsets;
  readonly slots: Slots;
  readonly workers: WorkerStates;
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
  readonly #draining: Draining;
  readonly #queue: Queue;
  readonly #starter: Starter;
  readonly #dirty = new Set<string>();

  constructor(core: Core, config: SiteConfig, rooms: DistributorRooms) {
    this.#core = core;
    this.#config = config;
    this.#rooms = rooms;
    this.#pool = new WorkerPool(core, rooms.slots, rooms.workers);
    this.#claims = new RequestClaims(core, rooms.locks, rooms.requests);
    this.#alarms = new Alarms(core, (builder) => this.#wakeAfresh(builder));
    this.#draining = new Draining(core);
    this.#queue = new Queue(core, rooms.requests, this.#alarms, this.#draining);
    const parts = { queue: this.#queue, pool: this.#pool, claims: this.#claims, alarms: this.#alarms };
    this.#starter = new Starter(core, config, rooms, parts);
    rooms.locks.isReady = (holder) => this.#starter.isReady(holder);
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
      for (const builder of this.#claims.waitingBuilders()) this.#wake(builder);
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
    this.#core.clockWatch.jumped.on(() => this.wakeAll());
  }

  /** Looks at everything; at start and with a new configuration. Inside a turn. */
  wakeAll(): void {
    for (const builder of this.#rooms.requests.buildersWithPending()) this.#wakeAfresh(builder);
  }

  /** Since when nothing new is started; null: it is. */
  get drainingSince(): number | null {
    return this.#draining.since;
  }

  /**
   * Starts nothing new from now on, or does so again: requests are accepted and wait. What builds that run have
   * triggered is started, or they would never end. Inside a turn.
   */
  setDraining(isDraining: boolean): void {
    if (this.#draining.set(isDraining)) this.wakeAll();
  }

  /** What keeps a new request of a builder from being tried, whatever its locks; null: nothing. */
  obstacle(builder: BuilderDeclaration): Blocker | null {
    if (this.#draining.since !== null) return { kind: 'draining', since: this.#draining.since };
    return builder.workers.some(({ name }) => this.#pool.isFree(name)) ? null : this.#pool.obstacle(builder);
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
    this.#queue.changed(builder);
    this.#wake(builder);
  }

  #collapse(requestId: number, name: string): void {
    const builder = this.#config.builder(name);
    if (builder === null) return;
    for (const taken of this.#rooms.requests.collapse(requestId, builder))
      this.#rooms.locks.rename(holderOf(taken), holderOf(requestId));
    // One that was granted its locks in this very turn hands on the grant, too.
    if (this.#rooms.locks.isGranted(holderOf(requestId))) this.#startGrantedLater(requestId);
  }

  #distribute(): void {
    const tops = new Map<string, RequestRow>();
    for (const name of this.#dirty) this.#look(name, tops);
    this.#dirty.clear();
    for (let name = foremost(tops); name !== null; name = foremost(tops)) {
      tops.delete(name);
      const builder = this.#config.builder(name);
      if (builder !== null && this.#starter.tryOne(builder)) this.#look(name, tops);
    }
  }

  /** Notes a builder's foremost request, if there is a worker for it; otherwise records why its requests wait. */
  #look(name: string, tops: Map<string, RequestRow>): void {
    const builder = this.#config.builder(name);
    const first = this.#queue.first(name);
    if (builder !== null && this.#draining.since !== null && first === null) {
      this.#queue.tellAll(name, { kind: 'draining', since: this.#draining.since });
      return;
    }
    if (builder === null) this.#queue.tellAll(name, { kind: 'builderGone', builder: name });
    else if (!builder.workers.some((worker) => this.#pool.isFree(worker.name))) this.#starter.tellObstacle(builder);
    else if (first !== null) tops.set(name, first);
  }

  #startGrantedLater(requestId: number): void {
    this.#core.enqueue(`granted ${holderOf(requestId)}`, () => this.#startGranted(requestId));
  }

  #startGranted(requestId: number): void {
    const builder = this.#rooms.requests.row(requestId)?.builder;
    if (this.#starter.startGranted(requestId) && builder !== undefined) this.#wake(builder);
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
