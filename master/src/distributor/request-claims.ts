import type { LockAccess } from '../config/locks.ts';
import { lockOfKey } from '../config/locks.ts';
import { type LockKeeper, wantsOf } from '../locks/lock-keeper.ts';
import type { Requests } from '../requests/requests.ts';

/**
 * Locks of builds that have not started. A builder has one claim at most, which belongs to the request that it would
 * start next; when another request goes first, the claim is handed to it with its place in the queue.
 */
export class RequestClaims {
  readonly #locks: LockKeeper;
  readonly #requests: Requests;

  constructor(locks: LockKeeper, requests: Requests) {
    this.#locks = locks;
    this.#requests = requests;
  }

  /** Requests that wait for locks, with their builders. */
  waiting(): { requestId: number; builder: string }[] {
    return this.#locks.waitingHolders().flatMap((holder) => {
      const requestId = requestOf(holder);
      const row = requestId === null ? null : this.#requests.row(requestId);
      return row === null ? [] : [{ requestId: row.id, builder: row.builder }];
    });
  }

  /** Asks for the locks of a build on a worker, or hands the builder's claim over; gives whether they are granted. */
  claim(builder: string, requestId: number, accesses: readonly LockAccess[], worker: string): boolean {
    const holder = holderOf(requestId);
    const other = this.waiting().find((waiting) => waiting.builder === builder && waiting.requestId !== requestId);
    if (other !== undefined && !this.#locks.isWaiting(holder)) this.#locks.rename(holderOf(other.requestId), holder);
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
