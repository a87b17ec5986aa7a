import type { Build } from '@icefall/shared';
import { batch, signal } from '@preact/signals';
import { api } from '../api/endpoints.ts';
import { openEvents } from '../api/stream.ts';
import { masterTime, setClock, startClock } from './clock.ts';
import { createLive } from './live.ts';
import { createStore } from './store.ts';

/** The past that a page begins with. */
const FIRST_HOURS = 24;
/** Builds of one step back. */
const HISTORY_PAGE = 100;
/** Changes of one step back; more of them in the same time are left out of the waterfall, not of the list of changes. */
const CHANGES_PAGE = 200;
const HEARTBEAT_MS = 30_000;
/** Events that are this late after the heartbeat spoke of them mean that the stream is dead. */
const LATE_MS = 5000;
/** A page in the background keeps its connection this long: browsers have only six for a master without HTTP/2. */
const PAUSE_AFTER_MS = 30_000;

export const store = createStore();

async function fetchSnapshot() {
  const asked = Date.now();
  const snapshot = await api.snapshot(FIRST_HOURS);
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
  setInterval(() => void heartbeat(), HEARTBEAT_MS);
  let pausing: ReturnType<typeof setTimeout> | undefined;
  document.addEventListener('visibilitychange', () => {
    clearTimeout(pausing);
    if (document.hidden) pausing = setTimeout(live.pause, PAUSE_AFTER_MS);
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

/** Loads the builds (and changes) before those that are known. */
export async function loadOlder(): Promise<void> {
  const before = store.history.peek();
  if (!before.more || loadingHistory.peek() === 'loading') return;
  loadingHistory.value = 'loading';
  try {
    const { builds, next } = await api.builds({ before: before.beforeId, limit: HISTORY_PAGE });
    const since = Math.min(before.since, ...builds.map((build) => build.startedAt));
    const { changes } = await api.changes({ limit: CHANGES_PAGE, ...olderThanKnown() });
    batch(() => {
      for (const build of builds) store.builds.put(store.builds.peek(build.id) ?? build);
      for (const change of changes) store.changes.put(change);
      store.history.value = {
        since,
        more: next !== null,
        beforeId: next ?? before.beforeId,
        added: before.added + builds.length,
      };
    });
    loadingHistory.value = 'idle';
  } catch {
    // Told on the page, with a button to try again.
    loadingHistory.value = 'failed';
  }
}

function olderThanKnown(): { before?: number } {
  const ids = store.changes.all.peek().map((change) => change.id);
  return ids.length === 0 ? {} : { before: Math.min(...ids) };
}

/** Known builds by the time they began, newest first. */
export function newestFirst(builds: Iterable<Build>): Build[] {
  return [...builds].sort((a, b) => b.startedAt - a.startedAt || b.id - a.id);
}

export { masterTime };
