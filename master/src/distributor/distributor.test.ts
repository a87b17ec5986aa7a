import { describe, expect, it } from 'vitest';
import { builder, factory } from '../config/builders.ts';
import { masterLock, workerLock } from '../config/locks.ts';
import { worker } from '../config/workers.ts';
import { SimulatedSite } from '../simulation/simulated-site.ts';
import { begunOn, blockerOf, run, siteWith, stepsOf } from '../simulation/test-language.ts';
import { shell } from '../steps/shell.ts';

const w1 = worker({ name: 'w1' });
const w2 = worker({ name: 'w2', maxBuilds: 2 });
const w3 = worker({ name: 'w3', maxBuilds: 3 });

/** Builds in the order in which they started. */
function started(sim: SimulatedSite): string[] {
  return sim.master.core.db
    .all<{ label: string }>("SELECT builder || ' of ' || request_id AS label FROM builds ORDER BY id")
    .map((row) => row.label);
}

describe('the order of requests', () => {
  const one = () => builder({ name: 'one', workers: [w1], factory: factory([run('a')]) });
  const two = () => builder({ name: 'two', workers: [w1], factory: factory([run('a')]) });

  it('is by priority, then by age, over all builders of a worker', () => {
    using sim = new SimulatedSite({ site: siteWith({ workers: [w1], builders: [one(), two()] }) });
    sim.connectAll();
    const ask = (name: string, priority: number) => sim.run(1).request([name], { priority });
    ask('one', 0);
    ask('two', 0);
    ask('one', 0);
    ask('two', 5);
    ask('one', 5);
    sim.run(20_000);
    expect(started(sim)).toEqual(['one of 1', 'two of 4', 'one of 5', 'two of 2', 'one of 3']);
  });

  it('is the site’s where it has a nextRequest', () => {
    const picky = builder({
      ...{ name: 'one', workers: [w1], factory: factory([run('a')]) },
      nextRequest: (pending) => pending.at(-1) ?? null,
    });
    using sim = new SimulatedSite({ site: siteWith({ workers: [w1], builders: [picky] }) });
    sim.connectAll();
    for (let i = 0; i < 3; i += 1) sim.run(1).request(['one']);
    expect(blockerOf(sim, 2)?.kind).toBe('workersBusy');
    sim.run(10_000);
    expect(started(sim)).toEqual(['one of 1', 'one of 3', 'one of 2']);
  });

  it('with a nextRequest that throws says so, and asks again', () => {
    let isBroken = true;
    const picky = builder({
      ...{ name: 'one', workers: [w1], factory: factory([run('a')]) },
      nextRequest: (pending) => {
        if (isBroken) throw new Error('no idea');
        return pending[0] ?? null;
      },
    });
    using sim = new SimulatedSite({ site: siteWith({ workers: [w1], builders: [picky] }) });
    sim.connectAll().request(['one']);
    expect(blockerOf(sim, 1)).toEqual({ kind: 'mayStart', reason: 'nextRequest threw: no idea' });
    isBroken = false;
    sim.run(10_000);
    expect(started(sim)).toEqual(['one of 1']);
  });
});

describe('the choice of a worker', () => {
  it('is the one with most free slots, then each in turn', () => {
    const single = worker({ name: 'single' });
    const one = builder({ name: 'one', workers: [w1, w2, single], factory: factory([run('a')]) });
    using sim = new SimulatedSite({ site: siteWith({ workers: [w1, w2, single], builders: [one] }) });
    sim.connectAll();
    for (let i = 0; i < 4; i += 1) sim.request(['one']);
    const workers = sim.master.core.db.all<{ worker: string }>('SELECT worker FROM builds ORDER BY id');
    expect(workers.map((row) => row.worker)).toEqual(['w2', 'w1', 'single', 'w2']);
  });

  it('is the site’s where it has a nextWorker; null waits', () => {
    let wanted: string | null = null;
    const one = builder({
      ...{ name: 'one', workers: [w1, w2], factory: factory([run('a')]) },
      nextWorker: (free) => free.find((choice) => choice.name === wanted) ?? null,
    });
    using sim = new SimulatedSite({ site: siteWith({ workers: [w1, w2], builders: [one] }) });
    sim.connectAll().request(['one']);
    expect(blockerOf(sim, 1)?.kind).toBe('notChosen');
    wanted = 'w1';
    sim.run(10_100);
    expect(begunOn(sim, 'w1')).toEqual(['one #1, a']);
  });

  it('asks mayStart of one worker after the other, and tells its reason', () => {
    const one = builder({
      ...{ name: 'one', workers: [w1, w2], factory: factory([run('a')]) },
      mayStart: (choice, request) =>
        choice.name === 'w1' && request.priority > 0 ? true : `only urgent ones, and not on ${choice.name}`,
    });
    using sim = new SimulatedSite({ site: siteWith({ workers: [w1, w2], builders: [one] }) });
    sim.connectAll();
    sim.request(['one']);
    sim.request(['one'], { priority: 1 });
    expect(blockerOf(sim, 1)).toEqual({ kind: 'mayStart', reason: 'only urgent ones, and not on w2' });
    expect(started(sim)).toEqual(['one of 2']);
  });
});

describe('why a request waits', () => {
  const one = () => builder({ name: 'one', workers: [w1], factory: factory([run('a')]) });

  it('is a worker that is not there, is paused, or is busy', () => {
    using sim = new SimulatedSite({ site: siteWith({ workers: [w1], builders: [one()] }) });
    const { requestIds } = sim.request(['one']);
    const id = requestIds[0] ?? 0;
    expect(blockerOf(sim, id)).toEqual({ kind: 'workersOffline', workers: [{ name: 'w1', lastSeenAt: null }] });
    sim.master.setPaused('w1', true);
    sim.connectAll();
    expect(blockerOf(sim, id)).toEqual({ kind: 'workersPaused', workers: ['w1'] });
    sim.master.setPaused('w1', false);
    expect(blockerOf(sim, id)).toBeNull();
    expect(started(sim)).toEqual(['one of 1']);
    const next = sim.request(['one']).requestIds[0] ?? 0;
    expect(blockerOf(sim, next)).toEqual({ kind: 'workersBusy', workers: ['w1'] });
  });

  it('is all that keeps its workers from taking it, where that differs', () => {
    const wide = builder({ name: 'wide', workers: [w1, w2, w3], factory: factory([run('a')]) });
    using sim = new SimulatedSite({ site: siteWith({ workers: [w1, w2, w3], builders: [wide] }) });
    sim.worker('w1').connect();
    sim.worker('w2').connect();
    sim.run(100);
    sim.master.setPaused('w2', true);
    sim.request(['wide']);
    const id = sim.request(['wide']).requestIds[0] ?? 0;
    expect(blockerOf(sim, id)).toEqual({ kind: 'workersBusy', workers: ['w1'], offline: ['w3'], paused: ['w2'] });
    sim.master.setPaused('w1', true);
    expect(blockerOf(sim, id)).toEqual({ kind: 'workersPaused', workers: ['w1', 'w2'], offline: ['w3'] });
  });

  it('is what holds up the others, once its back-off is over', () => {
    const lost = shell({ name: 'a', command: ['make'], exitCodes: { 0: 'SUCCESS', 1: 'RETRY' } });
    const flaky = builder({ name: 'flaky', workers: [w1], factory: factory([lost]), retry: { backOff: '5s' } });
    using sim = new SimulatedSite({
      site: siteWith({ workers: [w1], builders: [flaky] }),
      work: () => ({ durationMs: 100, exitCode: 1 }),
    });
    sim.connectAll();
    const ids = [1, 2].map(() => sim.request(['flaky']).requestIds[0] ?? 0);
    sim.master.setPaused('w1', true);
    sim.run(1000);
    expect(ids.map((id) => blockerOf(sim, id)?.kind)).toEqual(['backOff', 'workersPaused']);
    sim.run(5000);
    expect(ids.map((id) => blockerOf(sim, id)?.kind)).toEqual(['workersPaused', 'workersPaused']);
  });

  it('is a builder that left the configuration', () => {
    using sim = new SimulatedSite({ site: siteWith({ workers: [w1], builders: [one()] }) });
    const { requestIds } = sim.request(['one']);
    const id = requestIds[0] ?? 0;
    const other = builder({ name: 'other', workers: [w1], factory: factory([run('a')]) });
    sim.master.apply(siteWith({ workers: [w1], builders: [other] }));
    sim.connectAll();
    expect(blockerOf(sim, id)).toEqual({ kind: 'builderGone', builder: 'one' });
    sim.master.apply(siteWith({ workers: [w1], builders: [one()] }));
    expect(started(sim)).toEqual(['one of 1']);
  });

  it('is told of every one of ten thousand, and each is built in the end', () => {
    using sim = new SimulatedSite({
      site: siteWith({ workers: [w1], builders: [one()] }),
      work: () => ({ durationMs: 1 }),
    });
    const { requestIds } = sim.request(Array.from({ length: 300 }, () => 'one'));
    const kinds = requestIds.map((id) => blockerOf(sim, id)?.kind);
    expect([kinds[0], kinds[99], kinds[100], kinds[299]]).toEqual([
      'workersOffline',
      'workersOffline',
      'behind',
      'behind',
    ]);
    sim.connectAll().run(60_000);
    expect(requestIds.map((id) => sim.result(id))).toEqual(requestIds.map(() => 'SUCCESS'));
  });
});

describe('collapse', () => {
  const collapsing = (collapseRequests: Parameters<typeof builder>[0]['collapseRequests']) =>
    builder({
      name: 'one',
      workers: [w1],
      factory: factory([run('a')]),
      ...(collapseRequests === undefined ? {} : { collapseRequests }),
    });
  const results = (sim: SimulatedSite, ids: readonly number[]) => ids.map((id) => sim.result(id));
  const ask = (sim: SimulatedSite, property = '') =>
    sim.request(['one'], { properties: { p: { value: property, source: 'test' } } }).requestIds[0] ?? 0;

  it('does not happen unless it is wanted', () => {
    using sim = new SimulatedSite({ site: siteWith({ workers: [w1], builders: [collapsing(undefined)] }) });
    ask(sim);
    ask(sim);
    sim.connectAll().run(10_000);
    expect(started(sim)).toEqual(['one of 1', 'one of 2']);
  });

  it('takes older requests for the same into the newest, and gives them its result', () => {
    using sim = new SimulatedSite({
      site: siteWith({ workers: [w1], builders: [collapsing(true)] }),
      work: () => ({ durationMs: 10, exitCode: 1 }),
    });
    const ids = [ask(sim), ask(sim, 'another'), ask(sim), ask(sim)];
    expect(blockerOf(sim, 1)).toEqual({ kind: 'takenIn', requestId: 3 });
    sim.connectAll().run(10_000);
    expect(started(sim)).toEqual(['one of 2', 'one of 4']);
    expect(results(sim, ids)).toEqual(['FAILURE', 'FAILURE', 'FAILURE', 'FAILURE']);
  });

  it('does not touch what runs already', () => {
    using sim = new SimulatedSite({ site: siteWith({ workers: [w1], builders: [collapsing(true)] }) });
    sim.connectAll();
    const ids = [ask(sim), ask(sim), ask(sim)];
    sim.run(10_000);
    expect(started(sim)).toEqual(['one of 1', 'one of 3']);
    expect(results(sim, ids)).toEqual(['SUCCESS', 'SUCCESS', 'SUCCESS']);
  });

  it('is decided by the site’s function for each pair', () => {
    const decide = (newer: { id: number }, older: { id: number }) => newer.id - older.id === 1;
    using sim = new SimulatedSite({ site: siteWith({ workers: [w1], builders: [collapsing(decide)] }) });
    ask(sim);
    ask(sim);
    ask(sim);
    sim.connectAll().run(10_000);
    // 1 went into 2, and 2 with it into 3.
    expect(started(sim)).toEqual(['one of 3']);
    expect(results(sim, [1, 2, 3])).toEqual(['SUCCESS', 'SUCCESS', 'SUCCESS']);
  });
});

describe('a cancelled request', () => {
  it('leaves the queue, with its place in the queue for locks', () => {
    const lock = masterLock('alone');
    const builders = ['x', 'y'].map((name) =>
      builder({ name, workers: [w2], locks: [lock.exclusive()], factory: factory([run('a')]) }),
    );
    using sim = new SimulatedSite({ site: siteWith({ workers: [w2], builders }) });
    sim.connectAll().request(['x']);
    const waiting = sim.request(['y']).requestIds[0] ?? 0;
    expect(blockerOf(sim, waiting)).toMatchObject({ kind: 'lock', lock: 'alone', holders: [{ builder: 'x' }] });
    sim.master.cancelRequest(waiting, 'not needed');
    expect(sim.result(waiting)).toBe('CANCELLED');
    sim.run(5000);
    expect(started(sim)).toEqual(['x of 1']);
    expect(sim.master.rooms.locks.holders()).toEqual([]);
  });
});

describe('locks of builds', () => {
  it('are claimed by the next request where the first one is cancelled', () => {
    const [a, b] = [worker({ name: 'a' }), worker({ name: 'b' })];
    const tree = masterLock('tree');
    const long = builder({ name: 'long', workers: [a], locks: [tree.exclusive()], factory: factory([run('long')]) });
    const other = builder({ name: 'other', workers: [b], locks: [tree.exclusive()], factory: factory([run('a')]) });
    using sim = new SimulatedSite({ site: siteWith({ workers: [a, b], builders: [long, other] }) });
    sim.connectAll().request(['long']);
    const [first = 0] = sim.request(['other']).requestIds;
    const [second = 0] = sim.request(['other']).requestIds;
    sim.master.cancelRequest(first, 'not needed');
    sim.run(10_000);
    expect(sim.result(second)).toBe('SUCCESS');
  });

  it('are given to one request where two could take them for the same slot; the other keeps its place', () => {
    const [a, b] = [masterLock('a'), masterLock('b')];
    const x = builder({ name: 'x', workers: [w1], locks: [a.exclusive()], factory: factory([run('x')]) });
    const y = builder({ name: 'y', workers: [w1], locks: [b.exclusive()], factory: factory([run('y')]) });
    const both = builder({
      name: 'both',
      workers: [w2],
      locks: [a.exclusive(), b.exclusive()],
      factory: factory([run('z')]),
    });
    using sim = new SimulatedSite({ site: siteWith({ workers: [w1, w2], builders: [x, y, both] }) });
    sim.connectAll().request(['both']);
    sim.request(['x']);
    sim.request(['y']);
    sim.run(10_000);
    expect(started(sim)).toEqual(['both of 1', 'x of 2', 'y of 3']);
    expect(sim.master.rooms.locks.holders()).toEqual([]);
  });

  it('are waited for by the requests of a builder one after the other, and each is told how many come first', () => {
    const alone = masterLock('alone');
    const one = builder({ name: 'one', workers: [w3], locks: [alone.exclusive()], factory: factory([run('a')]) });
    using sim = new SimulatedSite({ site: siteWith({ workers: [w3], builders: [one] }) });
    sim.connectAll();
    for (let i = 0; i < 4; i += 1) sim.request(['one']);
    const positions = () => [2, 3, 4].map((id) => Reflect.get(blockerOf(sim, id) ?? {}, 'position'));
    expect(positions()).toEqual([1, 2, 3]);
    while (sim.result(1) === null) sim.run(100);
    expect(positions()).toEqual([undefined, 1, 2]);
  });

  it('of a worker are its own', () => {
    const lock = workerLock('disk');
    const one = builder({ name: 'one', workers: [w2], locks: [lock.exclusive()], factory: factory([run('a')]) });
    const other = builder({ name: 'other', workers: [w3], locks: [lock.exclusive()], factory: factory([run('a')]) });
    using sim = new SimulatedSite({ site: siteWith({ workers: [w2, w3], builders: [one, other] }) });
    sim.connectAll();
    sim.request(['one', 'one', 'other']);
    sim.run(100);
    expect(started(sim)).toEqual(['one of 1', 'other of 3']);
    expect(blockerOf(sim, 2)).toMatchObject({ kind: 'lock', lock: 'disk@w2' });
    sim.run(5000);
    expect(started(sim)).toEqual(['one of 1', 'other of 3', 'one of 2']);
  });
});

describe('locks', () => {
  const tree = masterLock('tree', { maxCount: 2 });
  it('let an exclusive build wait for counting steps, and the page say so', () => {
    const shared = builder({
      name: 'shared',
      workers: [w3],
      factory: factory([run('s', { locks: [tree.counting()] })]),
    });
    const alone = builder({ name: 'alone', workers: [w3], locks: [tree.exclusive()], factory: factory([run('x')]) });
    using sim = new SimulatedSite({
      site: siteWith({ workers: [w3], builders: [shared, alone] }),
      work: () => ({ durationMs: 10_000 }),
    });
    sim.connectAll();
    sim.request(['shared']);
    sim.run(100);
    const { requestIds } = sim.request(['alone']);
    sim.run(100);
    sim.request(['shared']);
    sim.run(100);
    const blocker = blockerOf(sim, requestIds[0] ?? 0);
    expect(blocker).toMatchObject({
      kind: 'lock',
      lock: 'tree',
      mode: 'exclusive',
      position: 1,
      holders: [{ builder: 'shared', stepName: 's' }],
    });
    // The later counting step does not overtake the exclusive build.
    expect(stepsOf(sim, 2)).toEqual(['s: waitingForLocks']);
    sim.run(10_000);
    expect(sim.master.rooms.requests.row(requestIds[0] ?? 0)?.state).toBe('building');
    expect(stepsOf(sim, 2)).toEqual(['s: waitingForLocks']);
    sim.run(30_000);
    expect(stepsOf(sim, 2)).toEqual(['s: SUCCESS']);
    expect(sim.result(requestIds[0] ?? 0)).toBe('SUCCESS');
  });
});
