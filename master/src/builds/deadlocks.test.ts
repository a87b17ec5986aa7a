import type { Blocker } from '@icefall/shared';
import { describe, expect, it } from 'vitest';
import { builder, factory } from '../config/builders.ts';
import { masterLock, workerLock } from '../config/locks.ts';
import { takeProblems } from '../config/problems.ts';
import { triggerableScheduler } from '../config/schedulers.ts';
import type { SiteOptions } from '../config/site.ts';
import { site } from '../config/site-program.ts';
import { worker } from '../config/workers.ts';
import type { Logger } from '../engine/ports.ts';
import { SimulatedSite } from '../simulation/simulated-site.ts';
import { programs, run, stepsOf } from '../simulation/test-language.ts';
import { trigger } from '../steps/trigger.ts';

/** A site whose waits for itself are no mistake here. */
function risky(options: Omit<SiteOptions, 'title'>) {
  const declared = site({ title: 'test', ...options });
  const others = takeProblems().filter(({ message }) => !message.includes('wait for each other'));
  if (others.length > 0) throw new Error(others.map(({ message }) => message).join('\n'));
  return declared;
}

function logTo(errors: string[]): Logger {
  return { info() {}, warn() {}, error: (_fields, message) => errors.push(message) };
}

const waitOf = (sim: SimulatedSite, buildId: number): Blocker | null =>
  JSON.parse(sim.master.rooms.builds.rows.currentStep(buildId)?.blocker ?? 'null');

describe('two builds that hold a lock each and want the other one', () => {
  const w1 = worker({ name: 'w1', maxBuilds: 4 });
  const [a, b] = [masterLock('a'), masterLock('b')];
  const ab = builder({
    name: 'ab',
    workers: [w1],
    locks: [a.exclusive()],
    factory: factory([run('slow'), run('want', { locks: [b.exclusive()] }), run('tidy', { alwaysRun: true })]),
  });
  const ba = builder({
    name: 'ba',
    workers: [w1],
    locks: [b.exclusive()],
    factory: factory([run('slow'), run('want', { locks: [a.exclusive()] }), run('tidy', { alwaysRun: true })]),
  });
  const parts = { workers: [w1], builders: [ab, ba] };

  it('are told apart in the turn in which they stall: the younger is ended with the cycle as its reason', () => {
    const errors: string[] = [];
    using sim = new SimulatedSite({ site: risky(parts), log: logTo(errors) });
    sim.connectAll().request(['ab']);
    sim.request(['ba']);
    sim.run(10_000);
    const why =
      'deadlock: ab #1 waits for lock b (exclusive), ba #1 waits for lock a (exclusive); ba #1 is ended for it';
    expect(stepsOf(sim, 1)).toEqual(['slow: SUCCESS', 'want: SUCCESS', 'tidy: SUCCESS']);
    expect(stepsOf(sim, 2)).toEqual(['slow: SUCCESS', 'want: EXCEPTION', 'tidy: SUCCESS']);
    expect(sim.master.core.db.one('SELECT result, summary FROM builds WHERE id = 2')).toEqual({
      result: 'EXCEPTION',
      summary: `want: ${why}`,
    });
    expect(errors).toEqual([why]);
    const [log] = sim.master.logs.ofStep(2, 1);
    expect(sim.master.logs.lines(log?.id ?? 0, 0, 10)?.lines.map(({ text }) => text)).toContain(
      'ba #1 waits for lock a (exclusive)',
    );
  });

  it('are only told of where the site says so, until somebody stops one', () => {
    const errors: string[] = [];
    using sim = new SimulatedSite({ site: risky({ ...parts, deadlocks: 'report' }), log: logTo(errors) });
    sim.connectAll().request(['ab']);
    sim.request(['ba']);
    sim.run(3_600_000);
    expect(errors).toEqual([
      'deadlock: ab #1 waits for lock b (exclusive), ba #1 waits for lock a (exclusive); stop one of them',
    ]);
    for (const id of [1, 2]) expect(waitOf(sim, id)).toMatchObject({ kind: 'deadlock', ends: null });
    sim.master.stopBuild(1, 'enough');
    sim.run(10_000);
    expect(stepsOf(sim, 2)).toEqual(['slow: SUCCESS', 'want: SUCCESS', 'tidy: SUCCESS']);
  });

  it('are found by a master that starts with them', () => {
    using sim = new SimulatedSite({ site: risky({ ...parts, deadlocks: 'report' }) });
    sim.connectAll().request(['ab']);
    sim.request(['ba']);
    sim.run(5000).killMaster();
    sim.startMaster(risky(parts)).run(1);
    expect(stepsOf(sim, 2)[1]).toBe('want: EXCEPTION');
  });

  it('are left alone while somebody outside can still serve one of them', () => {
    const [c, d] = [masterLock('c', { maxCount: 2 }), masterLock('d')];
    const long = builder({ name: 'long', workers: [w1], locks: [c.counting()], factory: factory([run('long')]) });
    const cd = builder({
      name: 'cd',
      workers: [w1],
      locks: [c.counting()],
      factory: factory([run('slow'), run('want', { locks: [d.exclusive()] })]),
    });
    const dc = builder({
      name: 'dc',
      workers: [w1],
      locks: [d.exclusive()],
      factory: factory([run('slow'), run('want', { locks: [c.counting()] })]),
    });
    const errors: string[] = [];
    using sim = new SimulatedSite({
      site: risky({ workers: [w1], builders: [long, cd, dc] }),
      work: programs({ long: { durationMs: 60_000 } }),
      log: logTo(errors),
    });
    sim.connectAll().request(['long']);
    sim.request(['cd']);
    sim.request(['dc']);
    sim.run(120_000);
    expect(errors).toEqual([]);
    expect([1, 2, 3].map((id) => sim.result(id))).toEqual(['SUCCESS', 'SUCCESS', 'SUCCESS']);
  });
});

describe('a build that waits for its children', () => {
  const [w1, w2] = [worker({ name: 'w1', maxBuilds: 2 }), worker({ name: 'w2', maxBuilds: 1 })];
  const tree = masterLock('tree', { maxCount: 3 });

  function family(child: ReturnType<typeof builder>, parentLocks = [tree.counting()]) {
    const children = triggerableScheduler({ name: 'children', builders: [child] });
    const go = trigger({ name: 'go', schedulers: [children], wait: true });
    const parent = builder({
      name: 'parent',
      workers: [w1],
      locks: parentLocks,
      factory: factory([go, run('after'), run('tidy', { alwaysRun: true })]),
    });
    return { workers: [w1, w2], builders: [child, parent], schedulers: [children] };
  }

  it('is ended where a child can never start for its lock, and the child is cancelled', () => {
    const child = builder({ name: 'child', workers: [w1], locks: [tree.exclusive()], factory: factory([run('a')]) });
    using sim = new SimulatedSite({ site: risky(family(child)) });
    sim.connectAll().request(['parent']);
    sim.run(5000);
    expect(stepsOf(sim, 1)).toEqual(['go: EXCEPTION', 'after: SKIPPED', 'tidy: SUCCESS']);
    expect([1, 2].map((id) => sim.result(id))).toEqual(['EXCEPTION', 'CANCELLED']);
    expect(sim.master.rooms.builds.rows.step(1, 0)?.summary).toBe(
      'deadlock: parent #1 waits for a triggered build of child, which waits for lock tree (exclusive); parent #1 is ended for it',
    );
    expect(sim.master.core.db.all('SELECT * FROM lock_claims')).toEqual([]);
  });

  it('says so where that is only reported', () => {
    const child = builder({ name: 'child', workers: [w1], locks: [tree.exclusive()], factory: factory([run('a')]) });
    const errors: string[] = [];
    using sim = new SimulatedSite({ site: risky({ ...family(child), deadlocks: 'report' }), log: logTo(errors) });
    sim.connectAll().request(['parent']);
    sim.run(3_600_000);
    expect(errors).toHaveLength(1);
    expect(waitOf(sim, 1)).toMatchObject({ kind: 'deadlock', ends: null, cycle: [{ buildId: 1 }] });
    sim.master.stopBuild(1, 'enough');
    sim.run(3000);
    expect(stepsOf(sim, 1)).toEqual(['go: CANCELLED', 'after: SKIPPED', 'tidy: SUCCESS']);
  });

  it('goes on where the child that wants its lock is ended', () => {
    const step = run('a', { locks: [tree.exclusive()] });
    const child = builder({ name: 'child', workers: [w1], factory: factory([step]) });
    using sim = new SimulatedSite({ site: risky(family(child)) });
    sim.connectAll().request(['parent']);
    sim.run(5000);
    expect(stepsOf(sim, 2)).toEqual(['a: EXCEPTION']);
    expect(sim.result(1)).toBe('EXCEPTION');
  });

  it('shares a counting lock with its child within the limit', () => {
    const step = run('a', { locks: [tree.counting()] });
    const child = builder({ name: 'child', workers: [w1], locks: [], factory: factory([step]) });
    using sim = new SimulatedSite({ site: risky(family(child, [tree.counting(2)])) });
    sim.connectAll().request(['parent']);
    sim.run(5000);
    expect(sim.result(1)).toBe('SUCCESS');
  });

  it('is in a deadlock also over somebody who stands in line between', () => {
    const other = masterLock('other');
    const child = builder({ name: 'child', workers: [w2], locks: [other.exclusive()], factory: factory([run('a')]) });
    const parts = family(child, [tree.exclusive()]);
    const both = builder({
      name: 'both',
      workers: [w1],
      locks: [tree.exclusive(), other.exclusive()],
      factory: factory([run('b')]),
    });
    const first = run('first');
    const children = parts.schedulers;
    const parent = builder({
      name: 'parent',
      workers: [w1],
      locks: [tree.exclusive()],
      factory: factory([first, trigger({ name: 'go', schedulers: children, wait: true })]),
    });
    using sim = new SimulatedSite({ site: risky({ ...parts, builders: [child, parent, both] }) });
    sim.connectAll().request(['parent']);
    sim.run(100);
    sim.request(['both']);
    sim.run(10_000);
    expect(sim.master.rooms.builds.rows.step(1, 1)?.summary).toBe(
      'deadlock: parent #1 waits for a triggered build of child, which waits for lock other (exclusive), first in line for it a build of both, which waits for lock tree (exclusive); parent #1 is ended for it',
    );
    expect(sim.result(2)).toBe('SUCCESS');
  });

  it('is in a deadlock where the only slot for its child is taken by one that waits for its lock', () => {
    const child = builder({ name: 'child', workers: [w2], factory: factory([run('a')]) });
    const parts = family(child, [tree.exclusive()]);
    const wanting = builder({
      name: 'wanting',
      workers: [w2],
      factory: factory([run('slow'), run('want', { locks: [tree.exclusive()] })]),
    });
    const parent = builder({
      name: 'parent',
      workers: [w1],
      locks: [tree.exclusive()],
      factory: factory([run('first'), trigger({ name: 'go', schedulers: parts.schedulers, wait: true })]),
    });
    using sim = new SimulatedSite({
      site: risky({ ...parts, builders: [child, parent, wanting] }),
      work: programs({ slow: { durationMs: 5000 } }),
    });
    sim.connectAll().request(['parent']);
    sim.request(['wanting']);
    sim.run(30_000);
    expect(sim.master.rooms.builds.rows.step(2, 1)?.summary).toBe(
      'deadlock: parent #1 waits for a triggered build of child, which waits for a slot on w2, wanting #1 waits for lock tree (exclusive); wanting #1 is ended for it',
    );
    expect(sim.result(1)).toBe('SUCCESS');
  });
});

describe('a lock of workers', () => {
  it('is taken where it is free, while a build waits for it elsewhere', () => {
    const [w1, w2] = [worker({ name: 'w1', maxBuilds: 3 }), worker({ name: 'w2', maxBuilds: 1 })];
    const disk = workerLock('disk');
    const child = builder({
      name: 'child',
      workers: [w1, w2],
      locks: [disk.exclusive()],
      factory: factory([run('a')]),
    });
    const children = triggerableScheduler({ name: 'children', builders: [child] });
    const go = trigger({ name: 'go', schedulers: [children], wait: true });
    const parent = builder({ name: 'parent', workers: [w1], locks: [disk.exclusive()], factory: factory([go]) });
    using sim = new SimulatedSite({
      site: risky({ workers: [w1, w2], builders: [child, parent], schedulers: [children] }),
    });
    sim.connectAll().request(['parent']);
    sim.run(5000);
    expect(sim.result(1)).toBe('SUCCESS');
    expect(sim.master.rooms.builds.rows.build(2)?.worker).toBe('w2');
  });
});
