import { describe, expect, it } from 'vitest';
import { builder, factory } from '../config/builders.ts';
import { masterLock } from '../config/locks.ts';
import { takeProblems } from '../config/problems.ts';
import { triggerableScheduler } from '../config/schedulers.ts';
import { type SiteOptions, site } from '../config/site.ts';
import { worker } from '../config/workers.ts';
import { shell } from '../steps/shell.ts';
import { trigger } from '../steps/trigger.ts';
import { SimulatedSite } from './simulated-site.ts';
import type { Work } from './simulated-worker.ts';

const w1 = worker({ name: 'w1' });
const w2 = worker({ name: 'w2', maxBuilds: 2 });

function declared(options: Omit<SiteOptions, 'title'>) {
  const made = site({ title: 'test', ...options });
  expect(takeProblems()).toEqual([]);
  return made;
}

const run = (name: string, options: object = {}) => shell({ name, command: [name], ...options });

/** Work by the program's name. */
function byName(table: Record<string, Work>) {
  return (command: { kind: string }, _label: string): Work => {
    const [name] = 'command' in command && Array.isArray(command.command) ? command.command : [''];
    return table[String(name)] ?? { durationMs: 1000 };
  };
}

function steps(sim: SimulatedSite, buildId: number): string[] {
  return sim.master.rooms.builds.rows
    .steps(buildId)
    .map((step) => `${step.name}: ${step.state === 'finished' ? step.result : step.state}`);
}

describe('a build', () => {
  it('runs its steps one after the other and ends with their result', () => {
    const one = builder({ name: 'one', workers: [w1], factory: factory([run('a'), run('b')]) });
    using sim = new SimulatedSite({ site: declared({ workers: [w1], builders: [one] }) });
    const { requestIds } = sim.connectAll().request(['one']);
    sim.run(500);
    expect(steps(sim, 1)).toEqual(['a: running', 'b: pending']);
    sim.run(3000);
    expect(steps(sim, 1)).toEqual(['a: SUCCESS', 'b: SUCCESS']);
    expect(sim.result(requestIds[0] ?? 0)).toBe('SUCCESS');
  });

  it('skips what comes after a halt, except steps that always run', () => {
    const one = builder({
      name: 'one',
      workers: [w1],
      factory: factory([run('bad', { haltOnFailure: true }), run('next'), run('clean', { alwaysRun: true })]),
    });
    using sim = new SimulatedSite({
      site: declared({ workers: [w1], builders: [one] }),
      work: byName({ bad: { durationMs: 10, exitCode: 3 } }),
    });
    const { requestIds } = sim.connectAll().request(['one']);
    sim.run(5000);
    expect(steps(sim, 1)).toEqual(['bad: FAILURE', 'next: SKIPPED', 'clean: SUCCESS']);
    expect(sim.result(requestIds[0] ?? 0)).toBe('FAILURE');
  });

  it('goes on over a restart of the master while its step runs, with all of its output', () => {
    const one = builder({ name: 'one', workers: [w1], factory: factory([run('long'), run('b')]) });
    const lines = Array.from({ length: 100 }, (_, i) => `line ${i}`);
    using sim = new SimulatedSite({
      site: declared({ workers: [w1], builders: [one] }),
      work: byName({ long: { durationMs: 60_000, lines } }),
    });
    const { requestIds } = sim.connectAll().request(['one']);
    sim.run(20_000).killMaster();
    sim.run(30_000).startMaster().connectAll().run(60_000);
    expect(steps(sim, 1)).toEqual(['long: SUCCESS', 'b: SUCCESS']);
    expect(sim.result(requestIds[0] ?? 0)).toBe('SUCCESS');
    expect(sim.worker('w1').begun).toHaveLength(2);
    const [log] = sim.master.logs.ofStep(1, 0);
    const got = sim.master.logs.lines(log?.id ?? 0, 0, 1000)?.lines.map((line) => line.text);
    expect(got).toEqual(lines);
  });

  it('is tried again on another worker after the grace of the one that left', () => {
    const one = builder({ name: 'one', workers: [w1, w2], factory: factory([run('long')]) });
    using sim = new SimulatedSite({
      site: declared({ workers: [w1, w2], builders: [one] }),
      work: () => ({ durationMs: 60_000 }),
    });
    const { requestIds } = sim.connectAll().request(['one']);
    sim.run(1000);
    const first = sim.master.rooms.builds.rows.build(1)?.worker ?? '';
    sim.worker(first).cut();
    sim.run(9 * 60_000);
    expect(steps(sim, 1)).toEqual(['long: running']);
    sim.run(3 * 60_000);
    expect(steps(sim, 1)).toEqual(['long: RETRY']);
    expect(sim.result(requestIds[0] ?? 0)).toBe('SUCCESS');
    expect(sim.master.rooms.builds.rows.build(2)?.worker).not.toBe(first);
  });

  it('never starts a step twice that must not be, but cleans up when its worker is back', () => {
    const publish = builder({
      name: 'publish',
      workers: [w1],
      factory: factory([run('publish', { retryable: false, haltOnFailure: true }), run('abort', { alwaysRun: true })]),
    });
    using sim = new SimulatedSite({
      site: declared({ workers: [w1], builders: [publish] }),
      work: byName({ publish: { durationMs: 60_000 } }),
    });
    const { requestIds } = sim.connectAll().request(['publish']);
    sim.run(1000);
    sim.worker('w1').cut();
    sim.run(60 * 60_000);
    expect(steps(sim, 1)).toEqual(['publish: EXCEPTION', 'abort: running']);
    sim.worker('w1').connect();
    sim.run(10_000);
    expect(steps(sim, 1)).toEqual(['publish: EXCEPTION', 'abort: SUCCESS']);
    expect(sim.result(requestIds[0] ?? 0)).toBe('EXCEPTION');
  });

  it('that is stopped interrupts what runs and still cleans up', () => {
    const one = builder({
      name: 'one',
      workers: [w1],
      factory: factory([run('long'), run('next'), run('clean', { alwaysRun: true })]),
    });
    using sim = new SimulatedSite({
      site: declared({ workers: [w1], builders: [one] }),
      work: byName({ long: { durationMs: null, dyingMs: 500 } }),
    });
    const { requestIds } = sim.connectAll().request(['one']);
    sim.run(1000);
    sim.master.stopBuild(1, 'enough');
    sim.run(100);
    expect(steps(sim, 1)).toEqual(['long: running', 'next: pending', 'clean: pending']);
    sim.run(5000);
    expect(steps(sim, 1)).toEqual(['long: CANCELLED', 'next: SKIPPED', 'clean: SUCCESS']);
    expect(sim.result(requestIds[0] ?? 0)).toBe('CANCELLED');
    expect(sim.master.rooms.builds.rows.build(1)?.result).toBe('CANCELLED');
  });
});

describe('a trigger that waits', () => {
  const child = builder({ name: 'child', workers: [w1], factory: factory([run('a')]) });
  const children = triggerableScheduler({ name: 'children', builders: [child] });
  const parent = builder({
    name: 'parent',
    workers: [w1],
    factory: factory([trigger({ schedulers: [children], wait: true }), run('after')]),
  });
  const whole = () => declared({ workers: [w1], builders: [child, parent], schedulers: [children] });

  it('gives its slot to its own child, and gets it back before a newer request', () => {
    using sim = new SimulatedSite({ site: whole() });
    const { requestIds } = sim.connectAll().request(['parent']);
    sim.run(100);
    sim.request(['child']);
    sim.run(20_000);
    expect(steps(sim, 1)).toEqual(['trigger: SUCCESS', 'after: SUCCESS']);
    expect(sim.result(requestIds[0] ?? 0)).toBe('SUCCESS');
    expect(sim.worker('w1').begun.map((start) => start.label)).toEqual([
      'child #1, a',
      'parent #1, after',
      'child #2, a',
    ]);
  });

  it('takes the worst result of its children', () => {
    using sim = new SimulatedSite({ site: whole(), work: byName({ a: { durationMs: 10, exitCode: 1 } }) });
    const { requestIds } = sim.connectAll().request(['parent']);
    sim.run(20_000);
    expect(steps(sim, 1)).toEqual(['trigger: FAILURE', 'after: SUCCESS']);
    expect(sim.result(requestIds[0] ?? 0)).toBe('FAILURE');
  });

  it('goes on over a restart of the master', () => {
    using sim = new SimulatedSite({ site: whole() });
    const { requestIds } = sim.connectAll().request(['parent']);
    sim.run(100).killMaster();
    sim.run(5000).startMaster().connectAll().run(20_000);
    expect(sim.result(requestIds[0] ?? 0)).toBe('SUCCESS');
  });

  it('takes its children with it when it is stopped', () => {
    using sim = new SimulatedSite({ site: whole(), work: () => ({ durationMs: null }) });
    sim.connectAll().request(['parent']);
    sim.run(100);
    sim.master.stopBuild(1, 'enough');
    sim.run(1000);
    expect(steps(sim, 1)).toEqual(['trigger: CANCELLED', 'after: SKIPPED']);
    expect(sim.master.rooms.builds.rows.build(2)?.result).toBe('CANCELLED');
  });
});

describe('locks', () => {
  const tree = masterLock('tree', { maxCount: 2 });
  it('let an exclusive build wait for counting steps, and the page say so', () => {
    const w3 = worker({ name: 'w3', maxBuilds: 3 });
    const shared = builder({
      name: 'shared',
      workers: [w3],
      factory: factory([run('s', { locks: [tree.counting()] })]),
    });
    const alone = builder({ name: 'alone', workers: [w3], locks: [tree.exclusive()], factory: factory([run('x')]) });
    using sim = new SimulatedSite({
      site: declared({ workers: [w3], builders: [shared, alone] }),
      work: () => ({ durationMs: 10_000 }),
    });
    sim.connectAll();
    sim.request(['shared']);
    sim.run(100);
    const { requestIds } = sim.request(['alone']);
    sim.run(100);
    sim.request(['shared']);
    sim.run(100);
    const blocker = JSON.parse(sim.master.rooms.requests.row(requestIds[0] ?? 0)?.blocker ?? 'null');
    expect(blocker).toMatchObject({
      kind: 'lock',
      lock: 'tree',
      mode: 'exclusive',
      position: 1,
      holders: [{ builder: 'shared', stepName: 's' }],
    });
    // The later counting step does not overtake the exclusive build.
    expect(steps(sim, 2)).toEqual(['s: waitingForLocks']);
    sim.run(10_000);
    expect(sim.master.rooms.requests.row(requestIds[0] ?? 0)?.state).toBe('building');
    expect(steps(sim, 2)).toEqual(['s: waitingForLocks']);
    sim.run(30_000);
    expect(steps(sim, 2)).toEqual(['s: SUCCESS']);
    expect(sim.result(requestIds[0] ?? 0)).toBe('SUCCESS');
  });
});
