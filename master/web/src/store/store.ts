import type { Builder, Change, Lock, MasterEvent, Request, Scheduler, Snapshot, Status, Worker } from '@icefall/shared';
import { batch, type Signal, signal } from '@preact/signals';
import { type BuildStore, buildStore, KEPT_BUILDS } from './builds.ts';
import { type Collection, collection } from './collection.ts';

/** Finished requests and old changes that are kept; more than any view shows at once. */
const KEPT_REQUESTS = 5000;
const KEPT_CHANGES = 2000;

/** All that the page knows of the master: one store for each collection. */
export interface Store {
  /** Null until the first snapshot. */
  readonly status: Signal<Status | null>;
  readonly builders: Collection<string, Builder>;
  readonly builds: BuildStore;
  readonly requests: Collection<number, Request>;
  readonly changes: Collection<number, Change>;
  readonly workers: Collection<string, Worker>;
  readonly locks: Collection<string, Lock>;
  readonly schedulers: Collection<string, Scheduler>;
  readonly history: Signal<History>;
}

/** How far back builds are known without a hole. */
export interface History {
  /** Milliseconds since the epoch. */
  readonly since: number;
  /** Whether there are older ones. */
  readonly more: boolean;
  /** Every build with this id or a higher one is known. */
  readonly beforeId: number;
  /** Builds that were added by going back. */
  readonly added: number;
}

export function createStore(): Store {
  return {
    status: signal(null),
    builders: collection((builder) => builder.name),
    builds: buildStore(),
    requests: collection((request) => request.id),
    changes: collection((change) => change.id),
    workers: collection((worker) => worker.name),
    locks: collection((lock) => lock.name),
    schedulers: collection((scheduler) => scheduler.name),
    history: signal({ since: 0, more: false, beforeId: 0, added: 0 }),
  };
}

/**
 * Puts everything in order of `snapshot`. `keepPast`: the events were followed without a hole up to about now, so older
 * builds, requests and changes that the snapshot has not are as true as before, and stay.
 */
export function applySnapshot(store: Store, snapshot: Snapshot, options: { keepPast: boolean }): void {
  batch(() => {
    store.status.value = snapshot.status;
    store.builders.replace(snapshot.builders);
    store.workers.replace(snapshot.workers);
    store.locks.replace(snapshot.locks);
    store.schedulers.replace(snapshot.schedulers);
    if (options.keepPast) {
      for (const build of snapshot.builds) store.builds.put(build);
      for (const request of snapshot.requests) store.requests.put(request);
      for (const change of snapshot.changes) store.changes.put(change);
    } else {
      store.builds.replace(snapshot.builds);
      store.requests.replace(snapshot.requests);
      store.changes.replace(snapshot.changes);
      store.history.value = historyOf(snapshot);
    }
  });
}

/**
 * A snapshot has the builds that finished after `since` or still run. A build that began long before is among them while
 * its contemporaries are not, so the known past ends with the oldest build that began after `since`.
 */
function historyOf({ builds, since, more }: Snapshot): History {
  const begun = builds.filter((build) => build.startedAt >= since).map((build) => build.id);
  const newest = Math.max(0, ...builds.map((build) => build.id));
  return { since, more, beforeId: begun.length > 0 ? Math.min(...begun) : newest + 1, added: 0 };
}

/** Applies events in their order. Returns false where a new snapshot is needed. */
export function applyEvents(store: Store, events: readonly MasterEvent[]): boolean {
  let complete = true;
  batch(() => {
    for (const event of events) complete = applyEvent(store, event) && complete;
    store.builds.trim(KEPT_BUILDS + store.history.peek().added);
    trim(
      store.requests,
      KEPT_REQUESTS,
      (request) => request.state === 'finished',
      (request) => request.id,
    );
    trim(
      store.changes,
      KEPT_CHANGES,
      () => true,
      (change) => change.id,
    );
  });
  return complete;
}

function applyEvent(store: Store, event: MasterEvent): boolean {
  switch (event.kind) {
    case 'change':
      store.changes.put(event.data);
      return true;
    case 'request':
      store.requests.put(event.data);
      return true;
    case 'build':
      store.builds.putHead(event.data);
      return true;
    case 'step':
      store.builds.putStep(event.data);
      return true;
    case 'builder':
      store.builders.put(event.data);
      return true;
    case 'worker':
      store.workers.put(event.data);
      return true;
    case 'lock':
      store.locks.put(event.data);
      return true;
    case 'scheduler':
      store.schedulers.put(event.data);
      return true;
    case 'buildset':
      return true;
    case 'config':
      return false;
  }
}

function trim<T>(
  items: Collection<number, T>,
  bound: number,
  mayGo: (item: T) => boolean,
  keyOf: (item: T) => number,
): void {
  const all = items.all.peek();
  if (all.length <= bound) return;
  const old = all
    .filter(mayGo)
    .map(keyOf)
    .sort((a, b) => a - b);
  for (const key of old.slice(0, all.length - bound)) items.remove(key);
}
