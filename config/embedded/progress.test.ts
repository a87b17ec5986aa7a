import type { Build, Change, Snapshot } from '@icefall/shared';
import { describe, expect, test } from 'vitest';
import { outcomeOfPush, progressLines, summaryLines } from './progress.ts';

function build(id: number, builder: string, more: Partial<Build> = {}): Build {
  return {
    id,
    builder,
    number: 1,
    requestId: id,
    buildsetId: id,
    attempt: 1,
    worker: 'alma9',
    state: 'finished',
    result: 'SUCCESS',
    submittedAt: 0,
    startedAt: 1000,
    finishedAt: 4000,
    summary: '',
    reason: '',
    owner: null,
    scheduler: 'push',
    sourceStamps: [],
    changeIds: [],
    parentBuildId: null,
    properties: {},
    stopReason: null,
    graceUntil: null,
    estimateMs: null,
    steps: [],
    ...more,
  };
}
const change: Change = {
  id: 7,
  author: '',
  committer: null,
  message: '',
  revision: 'abc',
  branch: 'main',
  repository: '',
  codebase: '',
  project: '',
  category: null,
  files: [],
  link: null,
  commits: [],
  properties: {},
  source: '',
  at: 0,
  receivedAt: 0,
};
function snapshot(builds: Build[]): Snapshot {
  const status: Snapshot['status'] = {
    title: '',
    url: '',
    version: '',
    startedAt: 0,
    now: 0,
    timeZone: 'UTC',
    configVersion: 1,
    configLoadedAt: 0,
    configErrors: [],
    alarms: [],
    drainingSince: null,
    seq: 0,
    pendingRequests: 0,
    runningBuilds: 0,
    workersConnected: 0,
    workers: 0,
  };
  return {
    seq: 0,
    status,
    builders: [],
    builds,
    since: 0,
    more: false,
    requests: [],
    changes: [change],
    workers: [],
    locks: [],
    schedulers: [],
  };
}
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
