import { snapshotSchema } from '@icefall/shared';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  addBuild,
  addBuildset,
  addHistory,
  addManyBuilds,
  addStep,
  claim,
  idsOf,
  write,
} from '../http/test-history.ts';
import { NOW, TestSite } from '../http/test-site.ts';
import { MOST_SCANNED_ROWS } from './paging.ts';
import { MOST_SNAPSHOT_BUILDS, Views } from './views.ts';

const HOUR = 3_600_000;
let site: TestSite;
let views: Views;
beforeEach(() => {
  site = new TestSite();
  views = new Views(site.port, () => 'http://127.0.0.1:8010');
});
afterEach(() => site[Symbol.asyncDispose]());

describe('a build', () => {
  test('has the fields of its buildset and request, and its steps with logs, process, children and links', () => {
    const { changeId, growingLog } = addHistory(site);
    expect(views.builds.build(2)).toMatchObject({
      id: 2,
      builder: 'docs',
      number: 1,
      scheduler: 'main',
      reason: 'a change',
      owner: null,
      changeIds: [changeId],
      sourceStamps: [{ branch: 'main' }],
      parentBuildId: null,
      steps: [
        { number: 0, urls: [{ name: 'artifact', url: 'https://example.org/' }], logs: [], pid: null },
        { number: 1, pid: 4711, logs: [{ id: growingLog, lines: 2, bytes: 8, complete: false }] },
        { number: 2, triggeredRequestIds: [3], blocker: { kind: 'children', requestIds: [3] } },
      ],
    });
  });

  test('says so where it was triggered', () => {
    addHistory(site);
    const id = addBuild(site, { builder: 'linux', requestId: 3, buildsetId: 2, result: null });
    expect(views.builds.head(id)).toMatchObject({ number: 2, parentBuildId: 2, requestId: 3 });
    expect(views.requests.request(3)).toMatchObject({ parentBuildId: 2, buildIds: [id], state: 'building' });
  });

  test('looks the same alone, as an event and in a list', () => {
    addHistory(site);
    const build = views.builds.build(2);
    expect(views.builds.byNumber('docs', 1)).toEqual(build);
    expect(views.builds.list({ limit: 1 }).items).toEqual([build]);
    expect({ ...views.resource('build', '2'), steps: build?.steps }).toEqual(build);
    expect(build?.steps.map((step) => views.resource('step', `2.${step.number}`))).toEqual(build?.steps);
  });

  test('that does not exist is null', () => {
    for (const [kind, key] of [
      ['build', '99'],
      ['step', '99.0'],
      ['request', '99'],
      ['buildset', '99'],
      ['change', '99'],
      ['builder', 'none'],
      ['worker', 'none'],
      ['scheduler', 'none'],
    ] as const)
      expect(views.resource(kind, key), kind).toBeNull();
    expect(views.builds.build(99)).toBeNull();
    expect(views.builds.byNumber('linux', 99)).toBeNull();
  });
});

describe('a list of builds', () => {
  test('goes on page by page until nothing is left', () => {
    addManyBuilds(site, 5, { steps: 1, everyMs: 1000 });
    const first = views.builds.list({ limit: 2 });
    const second = views.builds.list({ limit: 2, before: first.next ?? 0 });
    const third = views.builds.list({ limit: 2, before: second.next ?? 0 });
    expect([first, second, third].map((page) => idsOf(page.items))).toEqual([[5, 4], [3, 2], [1]]);
    expect(third.next).toBeNull();
  });

  test('goes the other way, too, from any build or time', () => {
    addManyBuilds(site, 6, { steps: 0, everyMs: 1000 });
    const first = views.builds.list({ limit: 2, after: 1 });
    const second = views.builds.list({ limit: 2, after: first.next ?? 0 });
    const third = views.builds.list({ limit: 2, after: second.next ?? 0 });
    expect([first, second, third].map((page) => idsOf(page.items))).toEqual([[3, 2], [5, 4], [6]]);
    expect([first.next, second.next, third.next]).toEqual([3, 5, null]);
    const fourth = views.builds.build(4)?.startedAt ?? 0;
    expect(idsOf(views.builds.list({ limit: 2, startedBefore: fourth }).items)).toEqual([3, 2]);
    expect(views.builds.list({ limit: 2, startedBefore: 1 })).toEqual({ items: [], next: null });
  });

  test('is filtered by builder, worker, state, result and branch', () => {
    addHistory(site);
    const { buildsetId, requestIds } = addBuildset(site, ['linux'], { branch: 'feature' });
    const more = { buildsetId, requestId: requestIds[0] ?? 0 };
    addBuild(site, { builder: 'linux', worker: 'w2', result: 'FAILURE', ...more });
    const found = (filter: object) => idsOf(views.builds.list({ limit: 10, ...filter }).items);
    expect(found({ builder: 'linux' })).toEqual([3, 1]);
    expect(found({ worker: 'w2' })).toEqual([3]);
    expect(found({ state: 'running' })).toEqual([2]);
    expect(found({ state: 'finished' })).toEqual([3, 1]);
    expect(found({ result: 'FAILURE' })).toEqual([3]);
    expect(found({ branch: 'feature' })).toEqual([3]);
    expect(found({ branch: 'main', builder: 'linux' })).toEqual([1]);
    expect(found({ branch: 'none' })).toEqual([]);
  });

  test('whose filter no index serves looks at a bounded number of builds, and says where to go on', () => {
    addManyBuilds(site, 1, { steps: 0, everyMs: 1000, branch: 'rare' });
    site.core.turn(() =>
      site.core.db.run('UPDATE sqlite_sequence SET seq = ? WHERE name = ?', MOST_SCANNED_ROWS + 10, 'builds'),
    );
    addManyBuilds(site, 1, { steps: 0, everyMs: 1000 });
    const first = views.builds.list({ limit: 10, branch: 'rare' });
    expect(first.items).toEqual([]);
    const second = views.builds.list({ limit: 10, branch: 'rare', before: first.next ?? 0 });
    expect(idsOf(second.items)).toEqual([1]);
    expect(second.next).toBeNull();
    const above = views.builds.list({ limit: 10, branch: 'none', after: 0 });
    expect(above).toEqual({ items: [], next: MOST_SCANNED_ROWS });
    expect(views.builds.list({ limit: 10, branch: 'none', after: above.next ?? 0 }).next).toBeNull();
  });

  test('of which an index finds too many looks at as many of those', () => {
    addHistory(site);
    const { buildsetId, requestIds } = addBuildset(site, ['linux'], { branch: 'rare' });
    const rare = addBuild(site, {
      builder: 'linux',
      worker: 'w2',
      result: 'FAILURE',
      buildsetId,
      requestId: requestIds[0] ?? 0,
    });
    const [of] = site.core.db.all<Record<string, string | number>>('SELECT * FROM builds WHERE id = 1');
    const same = Object.keys(of ?? {}).filter((name) => !['id', 'number'].includes(name));
    site.core.turn(() =>
      site.core.db.run(
        `WITH RECURSIVE n (i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
         INSERT INTO builds (id, number, ${same}) SELECT i, i, ${same} FROM n, builds WHERE builds.id = 1`,
        10 + MOST_SCANNED_ROWS,
      ),
    );
    for (const filter of [
      { builder: 'linux', branch: 'rare' },
      { builder: 'linux', result: 'FAILURE' as const },
    ]) {
      const first = views.builds.list({ limit: 10, ...filter });
      expect(first).toEqual({ items: [], next: 11 });
      expect(idsOf(views.builds.list({ limit: 10, ...filter, before: 11 }).items)).toEqual([rare]);
      const above = views.builds.list({ limit: 10, ...filter, after: 0 });
      expect([idsOf(above.items), above.next]).toEqual([[rare], MOST_SCANNED_ROWS + 7]);
      expect(views.builds.list({ limit: 10, ...filter, after: above.next ?? 0 })).toEqual({ items: [], next: null });
    }
  });
});

describe('locks', () => {
  test('are all configured ones, worker locks once for each worker that can use them', () => {
    expect(views.locks.all()).toEqual([
      expect.objectContaining({ name: 'disk@w2', scope: 'worker', worker: 'w2', maxCount: 5 }),
      expect.objectContaining({ name: 'tree', scope: 'master', worker: null, maxCount: 100, holders: [], waiters: [] }),
    ]);
  });

  test('name their holders and waiters, whatever those are', () => {
    addHistory(site);
    claim(site, 'build:1', 'disk@w2', 'counting', true, 3);
    claim(site, 'step:2.0', 'tree', 'counting', false, 4);
    expect(views.locks.lock('tree')).toMatchObject({
      holders: [{ buildId: 2, builder: 'docs', buildNumber: 1, stepNumber: 1, stepName: 'build', mode: 'counting' }],
      waiters: [
        { position: 1, requestId: 3, buildId: null, builder: 'linux', buildNumber: null, mode: 'exclusive' },
        { position: 2, requestId: null, buildId: 2, builder: 'docs', buildNumber: 1, stepName: 'step 0' },
      ],
    });
    expect(views.locks.lock('disk@w2').holders).toMatchObject([{ buildId: 1, stepNumber: null, stepName: null }]);
    expect(views.locks.all().map((lock) => views.locks.lock(lock.name))).toEqual(views.locks.all());
  });

  test('that left the configuration are shown as long as somebody holds them', () => {
    addHistory(site);
    claim(site, 'build:2', 'gone', 'exclusive', true, 9);
    expect(views.locks.all().at(-1)).toMatchObject({ name: 'gone', maxCount: 1, holders: [{ buildId: 2 }] });
  });
});

describe('workers and builders', () => {
  test('a worker is what is declared, remembered and known while it is connected', () => {
    addHistory(site);
    site.presence.set('w1', { connected: true, connectedSince: NOW - 5, leaving: true, lastRefusal: 'bad token' });
    site.core.db.insert('workers', { name: 'w1', paused: 1, last_seen_at: NOW, info: '{"cpus":4}' });
    expect(views.workers.worker('w1')).toEqual({
      name: 'w1',
      connected: true,
      connectedSince: NOW - 5,
      lastSeenAt: NOW,
      paused: true,
      leaving: true,
      maxBuilds: 2,
      buildIds: [2],
      builders: ['linux', 'docs'],
      info: { cpus: 4 },
      lastRefusal: 'bad token',
    });
    expect(views.workers.all()).toEqual([views.workers.worker('w1'), views.workers.worker('w2')]);
  });

  test('a builder counts what waits and runs, and knows its last result', () => {
    addHistory(site);
    const { requestIds } = addBuildset(site, ['linux']);
    site.core.turn(() => site.core.db.update('requests', { id: requestIds[0] ?? 0 }, { collapsed_into: 3 }));
    const linux = {
      name: 'linux',
      group: 'platforms',
      tags: ['fast'],
      workers: ['w1', 'w2'],
      forceSchedulers: ['force'],
    };
    expect(views.builders.all()).toMatchObject([
      { ...linux, pendingRequests: 1, runningBuilds: 0, lastResult: 'SUCCESS' },
      { name: 'docs', pendingRequests: 0, runningBuilds: 1, lastResult: null },
    ]);
    expect(views.builders.builder('linux')).toEqual(views.builders.all()[0]);
  });
});

describe('a snapshot', () => {
  test('holds what runs, what ended since, what waits, and nothing older', () => {
    const { changeId } = addHistory(site);
    const { buildsetId, requestIds } = addBuildset(site, ['linux']);
    const old = { builder: 'linux', buildsetId, requestId: requestIds[0] ?? 0, startedAt: NOW - 30 * HOUR };
    addBuild(site, { ...old, result: 'FAILURE' });
    const snapshot = views.snapshot(24);
    expect(snapshotSchema.parse(snapshot)).toEqual(snapshot);
    expect(idsOf(snapshot.builds)).toEqual([2, 1]);
    expect(snapshot.more).toBe(true);
    expect(snapshot.requests.map((request) => request.id)).toEqual([2, 3]);
    expect(snapshot.changes.map((change) => change.id)).toEqual([changeId]);
    expect(snapshot.status).toMatchObject({ seq: snapshot.seq, runningBuilds: 1, pendingRequests: 1, workers: 2 });
    expect(idsOf(views.snapshot(48).builds)).toEqual([3, 2, 1]);
    expect(views.snapshot(48).more).toBe(false);
  });

  test('of a busy site is cut at its bound, and says since when it is whole', () => {
    addManyBuilds(site, MOST_SNAPSHOT_BUILDS + 3, { steps: 0, everyMs: 1000 });
    const snapshot = views.snapshot(24);
    expect(snapshot.builds).toHaveLength(MOST_SNAPSHOT_BUILDS);
    expect(snapshot.more).toBe(true);
    expect(snapshot.since).toBe(snapshot.builds.at(-1)?.finishedAt);
    const short = views.snapshot(24, 20);
    expect([idsOf(short.builds), short.more]).toEqual([idsOf(snapshot.builds).slice(0, 20), true]);
  });

  test('asks the database the same number of questions however many builds it shows', () => {
    const questions = (count: number) => {
      addManyBuilds(site, count, { steps: 3, everyMs: 1000 });
      const { db } = site.core;
      const before = { all: db.all.bind(db), one: db.one.bind(db) };
      let asked = 0;
      Object.assign(db, {
        all: (...query: Parameters<typeof db.all>) => {
          asked += 1;
          return before.all(...query);
        },
        one: (...query: Parameters<typeof db.one>) => {
          asked += 1;
          return before.one(...query);
        },
      });
      views.snapshot(24);
      Object.assign(db, before);
      return asked;
    };
    expect(questions(50)).toBe(questions(5));
  });
});

describe('a growing log', () => {
  test('has its size now in every view of its step', () => {
    addHistory(site);
    addStep(site, 1, 1);
    const id = write(site, 1, 1, 'a\nb\n');
    write(site, 1, 1, 'c\n');
    expect(views.steps.log(id)).toMatchObject({ lines: 3, bytes: 6, complete: false });
    expect(views.steps.step('1.1')?.logs).toEqual([views.steps.log(id)]);
    expect(views.steps.log(99)).toBeNull();
  });
});
