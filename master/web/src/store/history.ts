import type { Build, Snapshot } from '@icefall/shared';
import { batch, type Signal } from '@preact/signals';
import type { BuildStore } from './builds.ts';

/** Finished builds at hand where nothing is missing between them: a day of most sites, some ten megabytes. */
export const MOST_BUILDS = 5000;
/** Of these, those that go at once when it is too many: so it is not work for every event. */
const SLACK = 500;
/** Builds that are kept of where somebody went back to: far more than a screen. */
export const MOST_PAST = 3000;
/** Newest builds that stay when a hole opens below them, and those that they may grow to. */
const KEPT_ABOVE_HOLE = 400;
const MOST_ABOVE_HOLE = 1000;

/**
 * What is known of the past: every build from `beforeId` on, but for those in the hole. Whoever goes far back leaves a
 * hole between what is read and the newest builds, so that what is kept is bounded however far it goes.
 */
export interface History {
  /** The oldest time that is shown, milliseconds since the epoch. */
  readonly since: number;
  /** Whether there are older builds. */
  readonly more: boolean;
  readonly beforeId: number;
  readonly hole: Hole | null;
}

/** Builds that are not at hand: from `fromId` up to `toId`, which is known; they began between the two times. */
export interface Hole {
  readonly fromId: number;
  readonly toId: number;
  readonly from: number;
  readonly to: number;
}

/** What of the store this is about. */
interface Past {
  readonly builds: BuildStore;
  readonly history: Signal<History>;
}

/** A page of builds, newest first, as the API gives it. */
export interface HistoryPage {
  readonly builds: readonly Build[];
  readonly next: number | null;
}

/**
 * A snapshot has the builds that finished after `since` or still run. A build that began long before is among them while
 * its contemporaries are not, so the known past ends with the oldest build that began after `since`.
 */
export function historyOf({ builds, since, more }: Snapshot): History {
  const begun = builds.filter((build) => build.startedAt >= since).map((build) => build.id);
  const newest = Math.max(0, ...builds.map((build) => build.id));
  return { since, more, beforeId: begun.length > 0 ? Math.min(...begun) : newest + 1, hole: null };
}

/** Adds the page before `beforeId`. Where it is too much, what is between it and the newest builds goes. */
export function addOlder(store: Past, page: HistoryPage): void {
  batch(() => {
    const was = store.history.peek();
    put(store, page.builds);
    const beforeId = page.next ?? Math.min(was.beforeId, ...page.builds.map((build) => build.id));
    const since = Math.min(was.since, ...page.builds.map((build) => build.startedAt));
    store.history.value = { ...was, since, more: page.next !== null, beforeId };
    widenHole(store);
  });
}

/** Adds the page after the hole's lower end. Where it is too much, the oldest builds go. */
export function addNewer(store: Past, page: HistoryPage): void {
  const was = store.history.peek();
  const { hole } = was;
  if (hole === null) return;
  batch(() => {
    put(store, page.builds);
    const last = page.builds.find((build) => build.id < hole.toId);
    const isClosed = page.next === null || page.next + 1 >= hole.toId;
    const from = Math.max(hole.from, last?.startedAt ?? 0);
    store.history.value = { ...was, hole: isClosed ? null : { ...hole, fromId: page.next + 1, from } };
    const past = finished(store, was.beforeId, isClosed ? Number.POSITIVE_INFINITY : hole.toId);
    dropOldest(store, past, isClosed ? MOST_BUILDS : MOST_PAST);
  });
}

/** Shows this page, of any time before what is known up to now, instead of what somebody went back to before. */
export function jumpTo(store: Past, page: HistoryPage): void {
  const newest = page.builds[0];
  const oldest = page.builds.at(-1);
  if (newest === undefined || oldest === undefined) return;
  batch(() => {
    forgetPast(store);
    const { beforeId: toId, since: to } = store.history.peek();
    put(store, page.builds);
    const isNext = newest.id + 1 >= toId || newest.startedAt >= to;
    const hole = isNext ? null : { fromId: newest.id + 1, toId, from: newest.startedAt, to };
    store.history.value = {
      since: Math.min(to, oldest.startedAt),
      more: page.next !== null,
      beforeId: oldest.id,
      hole,
    };
    trimBuilds(store);
  });
}

/** Forgets what is below the hole: somebody comes down from now again. */
export function forgetPast(store: Past): void {
  const { hole } = store.history.peek();
  if (hole === null) return;
  batch(() => {
    remove(store, finished(store, 0, hole.toId));
    store.history.value = { since: hole.to, more: true, beforeId: hole.toId, hole: null };
  });
}

/** Keeps to the bounds when new builds have come. */
export function trimBuilds(store: Past): void {
  const { hole, beforeId } = store.history.peek();
  if (store.builds.all.peek().length <= (hole === null ? MOST_BUILDS : MOST_ABOVE_HOLE)) return;
  if (hole === null) {
    // Those that ran since before are in nobody's view now.
    remove(store, finished(store, 0, beforeId));
    const known = finished(store, beforeId, Number.POSITIVE_INFINITY);
    if (known.length > MOST_BUILDS) dropOldest(store, known, MOST_BUILDS - SLACK);
  } else if (finished(store, hole.toId, Number.POSITIVE_INFINITY).length > MOST_ABOVE_HOLE) raiseHole(store, hole);
}

/** Opens a hole, or moves its lower end down, so that what is kept below it is bounded. */
function widenHole(store: Past): void {
  const { beforeId, hole } = store.history.peek();
  const known = finished(store, beforeId, hole?.fromId ?? Number.POSITIVE_INFINITY);
  if (known.length <= (hole === null ? MOST_BUILDS : MOST_PAST)) return;
  const above = hole === null ? known.length - KEPT_ABOVE_HOLE : known.length;
  const first = known[above];
  const last = known[MOST_PAST - 1];
  if (last === undefined) return;
  const upper = hole ?? { toId: first?.id ?? Number.POSITIVE_INFINITY, to: first?.startedAt ?? last.startedAt };
  remove(store, known.slice(MOST_PAST, above));
  store.history.value = {
    ...store.history.peek(),
    hole: { fromId: last.id + 1, from: last.startedAt, toId: upper.toId, to: upper.to },
  };
}

/** Moves the hole's upper end up. */
function raiseHole(store: Past, hole: Hole): void {
  const recent = finished(store, hole.toId, Number.POSITIVE_INFINITY);
  const first = recent[recent.length - KEPT_ABOVE_HOLE];
  if (first === undefined) return;
  remove(store, finished(store, hole.fromId, first.id));
  store.history.value = { ...store.history.peek(), hole: { ...hole, toId: first.id, to: first.startedAt } };
}

/** Forgets the oldest of `builds` (oldest first) above a number of them: from then on the past begins later. */
function dropOldest(store: Past, builds: readonly Build[], most: number): void {
  const first = builds[builds.length - most];
  if (builds.length <= most || first === undefined) return;
  remove(store, builds.slice(0, builds.length - most));
  store.history.value = { ...store.history.peek(), since: first.startedAt, more: true, beforeId: first.id };
}

/** What is known is newer than a page that was asked for before it came. */
function put(store: Past, builds: readonly Build[]): void {
  for (const build of builds) store.builds.put(store.builds.peek(build.id) ?? build);
}

function remove(store: Past, builds: readonly Build[]): void {
  for (const build of builds) store.builds.remove(build.id);
}

/** Finished builds from one id up to another, oldest first. */
function finished(store: Past, fromId: number, toId: number): Build[] {
  return store.builds.all
    .peek()
    .filter((build) => build.finishedAt !== null && build.id >= fromId && build.id < toId)
    .sort((a, b) => a.id - b.id);
}
