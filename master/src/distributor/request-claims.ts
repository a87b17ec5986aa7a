import { type LockAccess, lockOfKey } from '../config/locks.ts';
import type { Core } from '../engine/core.ts';
import { type LockKeeper, wantsOf } from '../locks/lock-keeper.ts';
import type { Requests } from '../requests/requests.ts';

/**
 * Locks of builds that have not started. A builder has one claim at most, which belongs to the request that it would
 * start next; when another request goes first, the claim is handed to it with its place in the queue.
 */
export class RequestClaims {
  readonly #locks: LockKeeper;
  readonly #requests: Requests;
  /** Requests that wait for locks, by builder; null: the queue is another since it was looked at. */
  #waiting: ReadonlyMap<string, readonly number[]> | null = null;
  /** Of requests that waited when it was looked at last: a request's builder stays. */
  #builders: ReadonlyMap<number, string> = new Map();

  constructor(core: Core, locks: LockKeeper, requests: Requests) {
    this.#locks = locks;
    this.#requests = requests;
    locks.changed.on(() => {
      this.#waiting = null;
    });
    core.rolledBack.on(() => {
      this.#waiting = null;
      // The numbers of requests that were taken back come again.
      this.#builders = new Map();
    });
  }

  /** Builders with a request that waits for locks. */
  waitingBuilders(): Iterable<string> {
    return this.#byBuilder().keys();
  }

  #byBuilder(): ReadonlyMap<string, readonly number[]> {
    if (this.#waiting !== null) return this.#waiting;
    const builders = new Map<number, string>();
    const waiting = new Map<string, number[]>();
    for (const holder of this.#locks.waitingHolders()) {
      const requestId = requestOf(holder);
      const builder = requestId === null ? undefined : (this.#builders.get(requestId) ?? this.#builderOf(requestId));
      if (requestId === null || builder === undefined) continue;
      builders.set(requestId, builder);
      waiting.set(builder, [...(waiting.get(builder) ?? []), requestId]);
    }
    this.#builders = builders;
    this.#waiting = waiting;
    return waiting;
  }

  #builderOf(requestId: number): string | undefined {
    return this.#requests.row(requestId)?.builder;
  }

  /** Asks for the locks of a build on a worker, or hands the builder's claim over; gives whether they are granted. */
  claim(builder: string, requestId: number, accesses: readonly LockAccess[], worker: string): boolean {
    const holder = holderOf(requestId);
    const other = this.#byBuilder()
      .get(builder)
      ?.find((id) => id !== requestId);
    if (other !== undefined && !this.#locks.isWaiting(holder)) this.#locks.rename(holderOf(other), holder);
    if (this.#locks.isGranted(holder)) return true;
    if (this.#locks.isWaiting(holder)) {
      if (this.#isFor(holder, accesses, worker)) return false;
      // Locks of another worker, or of another configuration: a new place in the queue, for what is wanted now.
      this.#locks.release(holder);
    }
    return this.#locks.claim(holder, accesses, worker);
  }

  #isFor(holder: string, accesses: readonly LockAccess[], worker: string): boolean {
    const wanted = wantsOf(accesses, worker)
      .map(({ lock }) => lock)
      .sort();
    const claimed = this.#locks.locksOf(holder).sort();
    return JSON.stringify(wanted) === JSON.stringify(claimed);
  }

  /** The worker whose locks a request claims; null where it claims none of a worker's. */
  workerOf(requestId: number): string | null {
    const workers = this.#locks.locksOf(holderOf(requestId)).flatMap((key) => lockOfKey(key).worker ?? []);
    return workers[0] ?? null;
  }
}

export function holderOf(requestId: number): string {
  return `request:${requestId}`;
}

/** The request that a holder of locks is, or null for a build or step. */
export function requestOf(holder: string): number | null {
  return holder.startsWith('request:') ? Number(holder.slice('request:'.length)) : null;
}
