import type { Build, Change } from '@icefall/shared';
import { batch, effect, signal } from '@preact/signals';
import type { Query } from '../api/client.ts';
import { api } from '../api/endpoints.ts';
import { openEvents } from '../api/stream.ts';
import { masterTime, setClock, startClock } from './clock.ts';
import { addNewer, addOlder, forgetPast, type HistoryPage, jumpTo } from './history.ts';
import { createLive } from './live.ts';
import { createStore, trimChanges } from './store.ts';

/** The past that a page begins with. */
const FIRST_HOURS = 24;
/** Finished builds that it begins with at most: more than a screen shows, and the master gives them in a few ms. */
const FIRST_BUILDS = 150;
/** Builds that are then fetched without being asked for, of the same time: for views that tell of every builder. */
const MORE_BUILDS = 1000;
/** Between two pages of those: what somebody waits for goes first, on the master as well. */
const MORE_EVERY_MS = 400;
/** Builds of one step back. */
const HISTORY_PAGE = 150;
/** Changes of one step back; more of them in the same time are left out of the waterfall, not of the list of changes. */
const CHANGES_PAGE = 200;
const HEARTBEAT_MS = 30_000;
/** Events that are this late after the heartbeat spoke of them mean that the stream is dead. */
const LATE_MS = 5000;
/** A page in the background keeps its connection this long: browsers have only six for a master without HTTP/2. */
const PAUSE_AFTER_MS = 30_000;

export const store = createStore();
/** Set while somebody counts on events though the page is in the background. */
export const keepLive = signal(false);

async function fetchSnapshot() {
  const asked = Date.now();
  const snapshot = await api.snapshot(FIRST_HOURS, FIRST_BUILDS);
  setClock(snapshot.status.now, Date.now() - asked);
  return snapshot;
}

export const live = createLive(store, {
  fetchSnapshot,
  openEvents,
  after(ms, work) {
    const timer = setTimeout(work, ms);
    return () => clearTimeout(timer);
  },
  beforePaint: (work) => void requestAnimationFrame(work),
  now: () => Date.now(),
  random: () => Math.random(),
});

/** Starts to follow the master. Once, from main.tsx. */
export function startStore(): void {
  startClock();
  live.start();
  effect(fetchDay);
  setInterval(() => void heartbeat(), HEARTBEAT_MS);
  // A stream does not break because its network is gone: it falls silent.
  addEventListener('offline', () => live.distrust('This machine is offline.'));
  let pausing: ReturnType<typeof setTimeout> | undefined;
  document.addEventListener('visibilitychange', () => {
    clearTimeout(pausing);
    if (document.hidden) pausing = setTimeout(() => keepLive.peek() || live.pause(), PAUSE_AFTER_MS);
    else live.resume();
  });
}

/** EventSource hides the comments that keep the stream warm, so a half-open connection looks alive: ask beside it. */
async function heartbeat(): Promise<void> {
  if (document.hidden || live.connection.peek().state !== 'live') return;
  try {
    const asked = Date.now();
    const known = live.seq();
    const status = await api.status();
    setClock(status.now, Date.now() - asked);
    store.status.value = status;
    if (status.seq < known) live.renew();
    setTimeout(() => {
      if (live.seq() < status.seq) live.distrust('Events stopped coming.');
    }, LATE_MS);
  } catch (cause) {
    live.distrust(cause instanceof Error ? cause.message : String(cause));
  }
}

export const loadingHistory = signal<'idle' | 'loading' | 'failed'>('idle');

/** Fetches the rest of the first day step by step, where the first builds were not all of it. */
function fetchDay(): undefined | (() => void) {
  const { since, more, hole } = store.history.value;
  const isEnough = hole !== null || store.builds.all.peek().length >= MORE_BUILDS;
  if (!more || isEnough || since <= masterTime() - FIRST_HOURS * 3_600_000) return;
  const timer = setTimeout(() => void (document.hidden || loadOlder()), MORE_EVERY_MS);
  return () => clearTimeout(timer);
}

/** Loads the builds (and changes) before those that are known. */
export async function loadOlder(): Promise<void> {
  const before = store.history.peek();
  if (!before.more) return;
  await load(async () => {
    const { page, changes } = await pageOf({ before: before.beforeId });
    // A snapshot or a jump may have come between.
    if (store.history.peek().beforeId === before.beforeId) add(changes, () => addOlder(store, page));
  });
}

/** Loads the builds after the hole's lower end. */
export async function loadNewer(): Promise<void> {
  const fromId = store.history.peek().hole?.fromId;
  if (fromId === undefined) return;
  await load(async () => {
    const { page, changes } = await pageOf({ after: fromId - 1 });
    if (store.history.peek().hole?.fromId === fromId) add(changes, () => addNewer(store, page));
  });
}

/** Goes on from above the hole: what was below it is fetched again when it is reached. */
export const leavePast = () => forgetPast(store);

/** Makes the builds of a time known that is before the known past, or in its hole. */
export async function loadTime(time: number): Promise<void> {
  // Somebody has asked for it: it is not to be lost because something else is on its way.
  await underWay;
  const { since, hole } = store.history.peek();
  if (time >= since && (hole === null || time <= hole.from || time >= hole.to)) return;
  await load(async () => {
    const { page, changes } = await pageOf({ startedBefore: Math.max(0, Math.floor(time) + 1) });
    add(changes, () => jumpTo(store, page));
  });
}

let underWay: Promise<void> = Promise.resolve();

/** One at a time: what is asked for meanwhile is asked for again when it has come. */
async function load(work: () => Promise<void>): Promise<void> {
  if (loadingHistory.peek() === 'loading') return;
  loadingHistory.value = 'loading';
  underWay = work().then(
    () => {
      loadingHistory.value = 'idle';
    },
    () => {
      // Told on the page, with a button to try again.
      loadingHistory.value = 'failed';
    },
  );
  await underWay;
}

/** A page of builds, and the changes up to the newest that any of them was made from. */
async function pageOf(query: Query): Promise<{ page: HistoryPage; changes: readonly Change[] }> {
  const page = await api.builds({ ...query, limit: HISTORY_PAGE });
  const newest = Math.max(0, ...page.builds.flatMap((build) => build.changeIds));
  if (newest === 0) return { page, changes: [] };
  const { changes } = await api.changes({ before: newest + 1, limit: CHANGES_PAGE });
  return { page, changes };
}

function add(changes: readonly Change[], builds: () => void): void {
  batch(() => {
    builds();
    for (const change of changes) store.changes.put(change);
    trimChanges(store);
  });
}

/** Known builds by the time they began, newest first. */
export function newestFirst(builds: Iterable<Build>): Build[] {
  return [...builds].sort((a, b) => b.startedAt - a.startedAt || b.id - a.id);
}

export { masterTime };
