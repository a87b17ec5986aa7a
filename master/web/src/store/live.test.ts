import type { MasterEvent, Snapshot } from '@icefall/shared';
import { makeChange, makeSnapshot } from '@icefall/shared/testing/resources';
import { expect, test } from 'vitest';
import type { EventHandlers } from '../api/stream.ts';
import { createLive, MOST_QUEUED_EVENTS, OPEN_TIMEOUT_MS } from './live.ts';
import { createStore } from './store.ts';

/** A browser and a master that do only what they are told. */
function room() {
  const snapshots: { resolve: (snapshot: Snapshot) => void; reject: (cause: Error) => void }[] = [];
  const streams: { after: number; handlers: EventHandlers; closed: boolean }[] = [];
  const timers: { ms: number; work: () => void; off: boolean }[] = [];
  let time = 0;
  const store = createStore();
  const live = createLive(store, {
    fetchSnapshot: () => new Promise((resolve, reject) => snapshots.push({ resolve, reject })),
    openEvents(after, handlers) {
      const stream = { after, handlers, closed: false };
      streams.push(stream);
      return () => {
        stream.closed = true;
      };
    },
    after(ms, work) {
      const timer = { ms, work, off: false };
      timers.push(timer);
      return () => {
        timer.off = true;
      };
    },
    beforePaint: (work) => work(),
    now: () => time,
    random: () => 1,
  });
  /** Lets what was promised be taken, then runs all timers that are set. */
  const settle = async () => {
    await Promise.resolve();
    await Promise.resolve();
  };
  const ring = () => {
    const due = timers.splice(0).filter((timer) => !timer.off);
    time += Math.max(0, ...due.map((timer) => timer.ms));
    for (const timer of due) timer.work();
    return due.map((timer) => timer.ms);
  };
  return { store, live, snapshots, streams, settle, ring };
}
const change = (seq: number): MasterEvent => ({
  seq,
  at: 0,
  kind: 'change',
  key: String(seq),
  data: makeChange({ id: seq }),
});

async function started() {
  const all = room();
  all.live.start();
  all.snapshots[0]?.resolve(makeSnapshot({ seq: 10 }));
  await all.settle();
  all.streams[0]?.handlers.opened();
  return all;
}

test('it takes a snapshot and follows from its number', async () => {
  const { live, streams } = await started();
  expect(streams[0]?.after).toBe(10);
  expect(live.connection.value).toEqual({ state: 'live' });
});

test('events are applied together before a paint, and twice the same one once', async () => {
  const { store, streams, ring, live } = await started();
  for (const seq of [11, 12, 12, 11]) streams[0]?.handlers.event(change(seq));
  expect(store.changes.all.value).toHaveLength(0);
  ring();
  expect(store.changes.all.value.map(({ id }) => id)).toEqual([11, 12]);
  expect(live.seq()).toBe(12);
});

test('after a cut it says so, and goes on after the last event it saw', async () => {
  const { live, streams, ring, snapshots } = await started();
  streams[0]?.handlers.event(change(11));
  ring();
  streams[0]?.handlers.broken();
  expect(live.connection.value).toMatchObject({ state: 'reconnecting' });
  ring();
  expect(streams[1]?.after).toBe(11);
  expect(snapshots).toHaveLength(1);
  streams[1]?.handlers.opened();
  expect(live.connection.value).toEqual({ state: 'live' });
});

test('it waits longer after each failure, up to a bound', async () => {
  const { streams, ring } = await started();
  const waits: number[] = [];
  for (let i = 0; i < 8; i += 1) {
    streams.at(-1)?.handlers.broken();
    waits.push(...ring());
  }
  expect(waits.slice(0, 3)).toEqual([500, 1000, 2000]);
  expect(waits.at(-1)).toBe(15_000);
});

test('a stream that does not open is given up and tried again', async () => {
  const { live, streams, snapshots, settle, ring } = room();
  live.start();
  snapshots[0]?.resolve(makeSnapshot({ seq: 10 }));
  await settle();
  expect(ring()).toEqual([OPEN_TIMEOUT_MS]);
  expect(live.connection.value).toMatchObject({ state: 'reconnecting' });
  expect(streams[0]?.closed).toBe(true);
  ring();
  expect(streams[1]?.after).toBe(10);
});

test('where the past is gone it takes a new snapshot', async () => {
  const { streams, snapshots, settle } = await started();
  streams[0]?.handlers.reset();
  snapshots[1]?.resolve(makeSnapshot({ seq: 99 }));
  await settle();
  expect(streams.at(-1)?.after).toBe(99);
});

test('a flood of events while the page sleeps ends in a snapshot, not in memory', async () => {
  const { streams, snapshots } = await started();
  for (let i = 0; i <= MOST_QUEUED_EVENTS; i += 1) streams[0]?.handlers.event(change(11 + i));
  expect(snapshots).toHaveLength(2);
  expect(streams[0]?.closed).toBe(true);
});

test('a snapshot that cannot be had is tried again', async () => {
  const { live, snapshots, settle, ring } = room();
  live.start();
  snapshots[0]?.reject(new Error('The master cannot be reached.'));
  await settle();
  expect(live.connection.value).toMatchObject({ state: 'reconnecting', why: 'The master cannot be reached.' });
  ring();
  expect(snapshots).toHaveLength(2);
});

test('a page in the background lets its connection go, and takes it up where it was', async () => {
  const { live, streams } = await started();
  live.pause();
  expect(streams[0]?.closed).toBe(true);
  live.resume();
  expect(streams[1]?.after).toBe(10);
});
