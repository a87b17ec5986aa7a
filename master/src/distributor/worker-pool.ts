import type { Blocker, Json } from '@icefall/shared';
import type { BuilderDeclaration, WorkerChoice } from '../config/builders.ts';
import { fromColumn } from '../db/rows.ts';
import type { Core } from '../engine/core.ts';
import type { RequestRow } from '../requests/rows.ts';
import type { Slots } from '../workers/slots.ts';

/** Presence of workers, as far as the choice of one depends on it. */
export interface WorkerStates {
  isConnected(worker: string): boolean;
  /** Workers that are started on demand: not all of them are for every request. */
  readonly pools?: OnDemand;
  /** Connected, and neither paused nor leaving. */
  isAvailable(worker: string): boolean;
}

/** What is to be known of workers that are started on demand. */
export interface OnDemand {
  fits(worker: string, request: RequestRow): boolean;
  /** Whether requests of a builder with these workers may wait for different ones of them. */
  isChoosy(workers: readonly string[]): boolean;
  /** Why they are not there yet; null: it is not that. Without a request: for any. */
  blockerOf(workers: readonly string[], request: RequestRow | null): Blocker | null;
}

/** The workers of builders: who could take a build now, or why nobody can. */
export class WorkerPool {
  readonly #core: Core;
  readonly #slots: Slots;
  readonly #states: WorkerStates;
  /** When each was last given a build, as a count: who waited longest is next. */
  readonly #turns = new Map<string, number>();
  #turn = 0;

  constructor(core: Core, slots: Slots, states: WorkerStates) {
    this.#core = core;
    this.#slots = slots;
    this.#states = states;
  }

  /** Workers of a builder that could take a build now; the most free slots first, then in turn. */
  free(builder: BuilderDeclaration): WorkerChoice[] {
    return builder.workers
      .filter((worker) => this.isFree(worker.name))
      .map(({ name }) => ({
        name,
        freeSlots: this.#slots.free(name),
        runningBuilds: this.#slots.holders(name).size,
        info: this.#info(name),
      }))
      .sort((a, b) => b.freeSlots - a.freeSlots || this.#lastTurn(a.name) - this.#lastTurn(b.name));
  }

  isFree(worker: string): boolean {
    return this.#states.isAvailable(worker) && this.#slots.free(worker) > 0;
  }

  /** Whether a worker is one for a request, as far as it was made for some. */
  fits(worker: string, request: RequestRow): boolean {
    return this.#states.pools?.fits(worker, request) ?? true;
  }

  /** Whether requests of a builder may have different obstacles. */
  isChoosy(builder: BuilderDeclaration): boolean {
    return this.#states.pools?.isChoosy(builder.workers.map(({ name }) => name)) ?? false;
  }

  #lastTurn(worker: string): number {
    return this.#turns.get(worker) ?? 0;
  }

  #info(worker: string): Readonly<Record<string, Json>> {
    const row = this.#core.db.one<{ info: string | null }>('SELECT info FROM workers WHERE name = ?', worker);
    return row?.info == null ? {} : fromColumn<Record<string, Json>>(row.info);
  }

  given(worker: string): void {
    this.#turn += 1;
    this.#turns.set(worker, this.#turn);
  }

  /** Why none of the builder's workers is free, for a request or for any. */
  obstacle(builder: BuilderDeclaration, request: RequestRow | null = null): Blocker {
    const names = builder.workers.map((worker) => worker.name);
    const pool = this.#states.pools?.blockerOf(names, request) ?? null;
    if (pool !== null) return pool;
    const connected = names.filter((name) => this.#states.isConnected(name));
    if (connected.length === 0)
      return { kind: 'workersOffline', workers: names.map((name) => ({ name, lastSeenAt: this.#lastSeen(name) })) };
    const available = connected.filter((name) => this.#states.isAvailable(name));
    const offline = named('offline', names, connected);
    if (available.length === 0) return { kind: 'workersPaused', workers: connected, ...offline };
    return { kind: 'workersBusy', workers: available, ...offline, ...named('paused', connected, available) };
  }

  #lastSeen(worker: string): number | null {
    const row = this.#core.db.one<{ at: number | null }>(
      'SELECT last_seen_at AS at FROM workers WHERE name = ?',
      worker,
    );
    return row?.at ?? null;
  }
}

/** Those of some that are not among others, where there are any. */
function named<K extends string>(key: K, some: readonly string[], others: readonly string[]): { [P in K]?: string[] } {
  if (some.length === others.length) return {};
  const known = new Set(others);
  return { [key]: some.filter((name) => !known.has(name)) } as { [P in K]: string[] };
}
