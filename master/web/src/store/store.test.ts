import type { EventData, EventKind, MasterEvent } from '@icefall/shared';
import {
  makeBuild,
  makeBuilder,
  makeChange,
  makeHead,
  makeRequest,
  makeSnapshot,
  makeStep,
} from '@icefall/shared/testing/resources';
import { expect, test } from 'vitest';
import { MOST_BUILDS } from './history.ts';
import { applyEvents, applySnapshot, createStore } from './store.ts';

let seq = 10;
function event<K extends EventKind>(kind: K, data: EventData[K]): MasterEvent {
  seq += 1;
  return { seq, at: 0, kind, key: '', data } as MasterEvent;
}
function filled() {
  const store = createStore();
  const running = makeBuild({
    id: 5,
    result: null,
    state: 'running',
    finishedAt: null,
    steps: [makeStep({ buildId: 5 })],
  });
  applySnapshot(store, makeSnapshot({ builds: [running], builders: [makeBuilder()] }), { keepPast: false });
  return store;
}

test('a build event changes the build and leaves its steps alone', () => {
  const store = filled();
  applyEvents(store, [event('build', makeHead({ id: 5, result: 'FAILURE' }))]);
  expect(store.builds.peek(5)).toMatchObject({ result: 'FAILURE', steps: [{ name: 'build' }] });
});

test('step events take their place in the build, by number', () => {
  const store = filled();
  applyEvents(store, [
    event('step', makeStep({ buildId: 5, number: 2, name: 'publish' })),
    event('step', makeStep({ buildId: 5, number: 1, name: 'rsync' })),
    event('step', makeStep({ buildId: 5, number: 0, name: 'build', result: 'WARNINGS' })),
  ]);
  expect(store.builds.peek(5)?.steps.map((step) => `${step.name} ${step.result}`)).toEqual([
    'build WARNINGS',
    'rsync SUCCESS',
    'publish SUCCESS',
  ]);
});

test('steps that come before their build are not lost', () => {
  const store = filled();
  applyEvents(store, [event('step', makeStep({ buildId: 6 })), event('build', makeHead({ id: 6 }))]);
  expect(store.builds.peek(6)?.steps).toHaveLength(1);
});

test('a new configuration asks for a new snapshot, other events do not', () => {
  const store = filled();
  expect(applyEvents(store, [event('request', makeRequest()), event('change', makeChange())])).toBe(true);
  expect(applyEvents(store, [event('config', makeSnapshot().status)])).toBe(false);
  expect(store.requests.peek(1)?.state).toBe('pending');
});

test('a snapshot takes away what is no longer there', () => {
  const store = filled();
  applySnapshot(store, makeSnapshot({ builders: [makeBuilder({ name: 'other' })] }), { keepPast: true });
  expect(store.builders.all.value.map((builder) => builder.name)).toEqual(['other']);
  expect(store.builds.peek(5)).toBeDefined();
  applySnapshot(store, makeSnapshot(), { keepPast: false });
  expect(store.builds.all.value).toEqual([]);
});

test('finished builds are forgotten above a bound, the oldest first, running ones never', () => {
  const store = filled();
  const finished = Array.from({ length: MOST_BUILDS + 20 }, (_, i) =>
    event('build', makeHead({ id: i + 100, startedAt: i })),
  );
  applyEvents(store, finished);
  const { beforeId, more, since } = store.history.value;
  expect(store.builds.all.value.length).toBeLessThanOrEqual(MOST_BUILDS);
  expect(store.builds.peek(5)).toBeDefined();
  expect([store.builds.peek(beforeId - 1), more]).toEqual([undefined, true]);
  expect(store.builds.peek(beforeId)).toMatchObject({ startedAt: since });
});
