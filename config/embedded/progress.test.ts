import type { Build } from '@icefall/shared';
import { makeBuild, makeChange, makeSnapshot } from '@icefall/shared/testing/resources';
import { describe, expect, test } from 'vitest';
import { outcomeOfPush, progressLines, summaryLines } from './progress.ts';

const build = (id: number, builder: string, more: Partial<Build> = {}) =>
  makeBuild({ id, builder, requestId: id, buildsetId: id, startedAt: 1000, finishedAt: 4000, reason: '', ...more });
const snapshot = (builds: Build[]) => makeSnapshot({ builds, changes: [makeChange({ id: 7 })] });
const root = (id: number, more: Partial<Build> = {}) => build(id, 'checkout', { changeIds: [7], ...more });
const running = { state: 'running', result: null, finishedAt: null } as const;

describe('the outcome of a push', () => {
  test('is open until every scheduler has built it and all of that has ended', () => {
    expect(outcomeOfPush(snapshot([]), 'abc', 2)).toBeNull();
    expect(outcomeOfPush(snapshot([root(1)]), 'abc', 2)).toBeNull();
    expect(outcomeOfPush(snapshot([root(1), root(2, running)]), 'abc', 2)).toBeNull();
    expect(outcomeOfPush(snapshot([root(1), root(2)]), 'other', 2)).toBeNull();
    expect(outcomeOfPush(snapshot([root(1), root(2)]), 'abc', 2)?.green).toBe(true);
  });

  test('waits for the next attempt of a build that is retried', () => {
    const lost = root(1, { requestId: 5, result: 'RETRY' });
    expect(outcomeOfPush(snapshot([lost]), 'abc', 1)).toBeNull();
    const again = root(2, { requestId: 5, attempt: 2 });
    expect(outcomeOfPush(snapshot([lost, again]), 'abc', 1)).toMatchObject({ green: true, builds: [{ id: 2 }] });
  });

  test('is green only if all that it triggered is', () => {
    const builds = [
      root(1),
      build(2, 'alma9_builder', { parentBuildId: 1, changeIds: [7] }),
      build(3, 'publish', { parentBuildId: 1, result: 'FAILURE' }),
      build(4, 'backup', { result: 'FAILURE' }),
    ];
    const outcome = outcomeOfPush(snapshot(builds), 'abc', 1);
    expect(outcome?.green).toBe(false);
    expect(outcome?.builds.map(({ id }) => id)).toEqual([1, 2, 3]);
  });
});

describe('progress in the terminal', () => {
  test('tells of each start and end once, and why something failed', () => {
    const lines: string[] = [];
    const tell = progressLines({ line: (text) => lines.push(text), colour: false }, 500);
    const properties = { variant: { value: 'base_v1.0.0', source: 'x' } };
    const old = build(1, 'old', { finishedAt: 400 });
    tell(snapshot([old, build(2, 'checkout', { ...running, properties })]));
    tell(snapshot([build(2, 'checkout', { ...running, properties })]));
    const steps: Build['steps'] = [
      {
        buildId: 2,
        number: 0,
        name: 'build',
        kind: 'shell',
        state: 'finished',
        result: 'FAILURE',
        startedAt: 0,
        locksAcquiredAt: 0,
        finishedAt: 0,
        summary: 'exit code 1',
        hidden: false,
        blocker: null,
        urls: [],
        triggeredRequestIds: [],
        logs: [],
        pid: null,
      },
    ];
    tell(snapshot([build(2, 'checkout', { properties, result: 'FAILURE', steps })]));
    expect(lines.map((line) => line.slice(10))).toEqual([
      'started   checkout #1 base_v1.0.0 on alma9',
      'FAILURE   checkout #1 base_v1.0.0 in 3.0 s\n            build: exit code 1',
    ]);
  });

  test('ends with a line for each builder', () => {
    const outcome = { green: true, builds: [build(1, 'a'), build(2, 'longer')] };
    expect(summaryLines({ line: () => {}, colour: false }, outcome)).toEqual([
      '  SUCCESS   a #1          3.0 s ',
      '  SUCCESS   longer #1     3.0 s ',
    ]);
  });
});
