import { describe, expect, test } from 'vitest';
import { buildOf, requestOf, stepOf } from '../testing/resources.ts';
import { progressLines, progressWords } from './progress-lines.ts';

const now = 1_000_000;
const running = { state: 'running' as const, result: null, finishedAt: null };

describe('the progress of a request', () => {
  test('is why it waits, since when', () => {
    const blocker = { kind: 'workersBusy' as const, workers: ['w1'] };
    const words = progressWords({ request: requestOf({ blocker, blockedSince: 940_000 }), build: null, depth: 0 }, now);
    expect(words).toMatchObject({ name: 'b', what: 'waits for a free slot on w1', sinceMs: 60_000 });
  });

  test('is the step that runs, and what that waits for', () => {
    const lock = { kind: 'lock' as const, lock: 'tree', mode: 'exclusive' as const, position: 1, holders: [] };
    const step = stepOf({
      ...running,
      number: 1,
      name: 'copy',
      state: 'waitingForLocks',
      blocker: lock,
      startedAt: 990_000,
    });
    const build = buildOf({ ...running, steps: [stepOf(), step] });
    const request = requestOf({ state: 'building', buildIds: [12] });
    expect(progressWords({ request, build, depth: 1 }, now)).toMatchObject({
      name: '  b/4',
      what: 'copy (2 of 2) waits for lock tree (exclusive)',
      sinceMs: 10_000,
    });
  });

  test('is what the next attempt waits for, once one was lost', () => {
    const blocker = { kind: 'backOff' as const, until: 1_010_000, attempt: 2 };
    const request = requestOf({ buildIds: [12], blocker });
    expect(progressWords({ request, build: buildOf({ result: 'RETRY' }), depth: 0 }, now).what).toBe(
      'attempt 2 starts after its back-off',
    );
  });

  test('is its result with the steps that failed, or the request that took it in', () => {
    const request = requestOf({ state: 'finished', result: 'FAILURE', buildIds: [12] });
    const steps = [stepOf(), stepOf({ name: 'test', result: 'FAILURE', summary: '3 of 9 failed' })];
    expect(progressWords({ request, build: buildOf({ result: 'FAILURE', steps }), depth: 0 }, now)).toMatchObject({
      what: 'FAILURE: test: 3 of 9 failed',
      sinceMs: 25_000,
    });
    const collapsed = requestOf({ state: 'finished', result: 'SUCCESS', collapsedInto: 9 });
    expect(progressWords({ request: collapsed, build: null, depth: 0 }, now).what).toBe(
      'SUCCESS (taken into request 9)',
    );
  });

  test('is a line each, aligned, cut to the terminal with a mark', () => {
    const base = { format: 'blue' as const, requestId: 1 };
    const words = [
      { ...base, name: 'alma9_builder/12', what: 'waits for lock cvmfs_shared', sinceMs: 61_000 },
      { ...base, name: 'x/1', what: 'SUCCESS', sinceMs: null },
    ];
    expect(progressLines({ colour: false }, words, 48)).toEqual([
      'alma9_builder/12  1 m 01 s  waits for lock cvm…',
      'x/1                         SUCCESS',
    ]);
  });
});
