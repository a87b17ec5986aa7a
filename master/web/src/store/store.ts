import type { Builder, Change, Lock, MasterEvent, Request, Scheduler, Snapshot, Status, Worker } from '@icefall/shared';
import { batch, type Signal, signal } from '@preact/signals';
import { type BuildStore, buildStore } from './builds.ts';
import { type Collection, collection } from './collection.ts';
import { type History, historyOf, trimBuilds } from './history.ts';

/** Finished requests and old changes that are kept; more than any view shows at once. */
const KEPT_REQUESTS = 5000;
const KEPT_CHANGES = 2000;
/** However many times are shown. */
const MOST_CHANGES = 8000;

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
    history: signal({ since: 0, more: false, beforeId: 0, hole: null }),
  };
}

/**
 * Puts everything in order of `snapshot`; with `keepPast` only what a configuration declares: builds, requests and
 * changes have been followed without a hole.
 */
export function applySnapshot(store: Store, snapshot: Snapshot, options: { keepPast: boolean }): void {
  batch(() => {
    store.status.value = snapshot.status;
    store.builders.replace(snapshot.builders);
    store.workers.replace(snapshot.workers);
    store.locks.replace(snapshot.locks);
    store.schedulers.replace(snapshot.schedulers);
    if (options.keepPast) return;
    store.builds.replace(snapshot.builds);
    store.requests.replace(snapshot.requests);
    store.changes.replace(snapshot.changes);
    store.history.value = historyOf(snapshot);
  });
}

/** Applies events in their order. Returns false where a new snapshot is needed. */
export function applyEvents(store: Store, events: readonly MasterEvent[]): boolean {
  let complete = true;
  batch(() => {
    for (const event of events) complete = applyEvent(store, event) && complete;
    trimBuilds(store);
    trim(
      store.requests,
      KEPT_REQUESTS,
      (request) => request.state === 'finished',
      (request) => request.id,
    );
    trimChanges(store);
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

/** Forgets changes above a bound: first those of times that are not shown, then the oldest. */
export function trimChanges({ changes, history }: Store): void {
  const { since, hole } = history.peek();
  const isShown = ({ receivedAt: at }: Change) => at >= since && (hole === null || at <= hole.from || at >= hole.to);
  trim(
    changes,
    KEPT_CHANGES,
    (change) => !isShown(change),
    (change) => change.id,
  );
  trim(
    changes,
    MOST_CHANGES,
    () => true,
    (change) => change.id,
  );
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
