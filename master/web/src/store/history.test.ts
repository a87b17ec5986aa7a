import type { Build } from '@icefall/shared';
import { makeBuild, makeSnapshot } from '@icefall/shared/testing/resources';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addNewer, addOlder, forgetPast, jumpTo, MOST_BUILDS, MOST_PAST } from './history.ts';
import { applyEvents, applySnapshot, createStore } from './store.ts';

const ALL = 20_000;
const MINUTE = 60_000;
/** A build of the master: each begins a minute after the one before. */
const build = (id: number): Build => makeBuild({ id, startedAt: id * MINUTE, finishedAt: id * MINUTE + 4 * MINUTE });
const range = (from: number, to: number) => Array.from({ length: Math.max(0, to - from) }, (_, i) => build(from + i));

/** What the master answers. */
const pages = {
  before: (id: number, limit: number) => page(Math.max(1, id - limit), id, (first) => (first > 1 ? first : null)),
  after: (id: number, limit: number, newest: number) => {
    const end = Math.min(newest, id + limit);
    return page(id + 1, end + 1, () => (end < newest ? end : null));
  },
};
function page(from: number, to: number, next: (first: number) => number | null) {
  return { builds: range(from, to).reverse(), next: next(from) };
}

function opened() {
  const builds = range(ALL - 149, ALL + 1).reverse();
  const store = createStore();
  applySnapshot(store, makeSnapshot({ builds, since: builds.at(-1)?.startedAt ?? 0, more: true }), { keepPast: false });
  return store;
}
type Store = ReturnType<typeof opened>;

/** Whether the store has what its history says, no less; and no more than its bounds. */
function check(store: Store, newest: number): void {
  const { beforeId, hole, since } = store.history.value;
  const known = (id: number) => id >= beforeId && (hole === null || id < hole.fromId || id >= hole.toId);
  const missing: number[] = [];
  for (let id = beforeId; id <= newest; id += 1) if (known(id) && store.builds.peek(id) === undefined) missing.push(id);
  expect(missing).toEqual([]);
  expect(store.builds.all.value.length).toBeLessThanOrEqual(MOST_BUILDS);
  expect(since).toBe(build(beforeId).startedAt);
  if (hole === null) return;
  expect(hole.fromId).toBeLessThan(hole.toId);
  expect([hole.from, hole.to]).toEqual([build(hole.fromId - 1).startedAt, build(hole.toId).startedAt]);
}

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('older' as const) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('newer' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('forget' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('jump' as const), to: fc.integer({ min: 1, max: ALL }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('new' as const), count: fc.integer({ min: 1, max: 1500 }) }) },
);

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** Does what somebody, or the master, does; gives the newest build's id then. Only what is not known is asked for. */
function act(store: Store, one: Step, { newest, limit }: { newest: number; limit: number }): number {
  const { beforeId, hole, more } = store.history.value;
  switch (one.kind) {
    case 'older':
      if (more) addOlder(store, pages.before(beforeId, limit));
      return newest;
    case 'newer':
      if (hole !== null) addNewer(store, pages.after(hole.fromId - 1, limit, newest));
      return newest;
    case 'forget':
      forgetPast(store);
      return newest;
    case 'jump':
      if (one.to < (hole?.toId ?? beforeId)) jumpTo(store, pages.before(one.to + 1, Math.min(limit, MOST_PAST)));
      return newest;
    case 'new': {
      const heads = range(newest + 1, newest + 1 + one.count);
      applyEvents(
        store,
        heads.map((data) => ({ seq: data.id, at: 0, kind: 'build', key: String(data.id), data })),
      );
      return newest + one.count;
    }
  }
}

test('however somebody goes about in the past, what is known is whole, and bounded', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 25 }), fc.integer({ min: 1, max: 2000 }), (steps, limit) => {
      const store = opened();
      let newest = ALL;
      for (const one of steps) {
        newest = act(store, one, { newest, limit });
        check(store, newest);
      }
    }),
    { numRuns: 40, seed: 7 },
  );
});

test('going back far opens a hole below the newest builds, and coming up again closes it', () => {
  const store = opened();
  while (store.history.value.beforeId > 5000) addOlder(store, pages.before(store.history.value.beforeId, 150));
  expect(store.history.value.hole).not.toBeNull();
  expect(store.builds.peek(ALL)).toBeDefined();
  for (let hole = store.history.value.hole; hole !== null; hole = store.history.value.hole)
    addNewer(store, pages.after(hole.fromId - 1, 150, ALL));
  expect(store.history.value.more).toBe(true);
  check(store, ALL);
});
