import { describe, expect, it } from 'vitest';
import { builder, factory } from '../config/builders.ts';
import { masterLock } from '../config/locks.ts';
import { worker } from '../config/workers.ts';
import { ActionError } from '../http/master-port.ts';
import { prop } from '../properties/references.ts';
import { SimulatedSite } from '../simulation/simulated-site.ts';
import { begunOn, propertiesOf, run, siteWith, stepsOf } from '../simulation/test-language.ts';
import { holdTogether } from '../steps/lock-span.ts';
import { shell } from '../steps/shell.ts';

const w1 = worker({ name: 'w1', maxBuilds: 3 });
const [tree, gate] = [masterLock('tree'), masterLock('gate')];
/** What a step shows of its fence. */
const show = (name: string, locks = [] as ReturnType<typeof tree.exclusive>[]) =>
  shell({ name, command: ['show'], env: { FENCE: prop('lock_fence', 'none') }, locks });

describe('the fencing number', () => {
  function fences(locks: ReturnType<typeof tree.exclusive>[], steps: Parameters<typeof factory>[0]) {
    const seen: (string | null | undefined)[] = [];
    const one = builder({ name: 'one', workers: [w1], locks, factory: factory(steps) });
    const sim = new SimulatedSite({
      site: siteWith({ workers: [w1], builders: [one] }),
      work: (command) => {
        seen.push(command.kind === 'shell' ? command.env.FENCE : null);
        return { durationMs: 10 };
      },
    });
    sim.connectAll();
    return { sim, seen };
  }

  it('is that of the newest grant of what the build and the step hold', () => {
    const { sim, seen } = fences([tree.exclusive()], [show('a'), show('b', [gate.exclusive()]), show('c')]);
    using _ = sim;
    sim.request(['one']);
    sim.run(5000);
    const [a, b, c] = seen.map(Number);
    expect(b).toBeGreaterThan(a ?? Number.NaN);
    expect(c).toBe(a);
  });

  it('rises with every grant, also over a restart, and is no property of the build', () => {
    const { sim, seen } = fences([tree.exclusive()], [show('a')]);
    using _ = sim;
    sim.request(['one']);
    sim.run(5000).killMaster();
    sim.startMaster().connectAll().request(['one']);
    sim.run(5000);
    expect(Number(seen[1])).toBeGreaterThan(Number(seen[0]));
    expect(propertiesOf(sim, 1)).not.toHaveProperty('lock_fence');
  });

  it('is not there without a lock', () => {
    const { sim, seen } = fences([], [show('a')]);
    using _ = sim;
    sim.request(['one']);
    sim.run(5000);
    expect(seen).toEqual(['none']);
  });
});

describe('a lock that is taken from its holder', () => {
  const publish = run('publish', { retryable: false });
  const holder = builder({
    name: 'holder',
    workers: [w1],
    locks: [tree.exclusive(), gate.exclusive()],
    factory: factory([publish, run('abort', { alwaysRun: true })]),
  });
  const next = builder({ name: 'next', workers: [w1], locks: [tree.exclusive()], factory: factory([run('next')]) });
  const whole = () => siteWith({ workers: [w1], builders: [holder, next] });
  const forever = () => ({ durationMs: null });

  it('goes to the next one at once; the build is stopped, without the clean-up that needed the lock', () => {
    using sim = new SimulatedSite({ site: whole(), work: forever });
    sim.connectAll().request(['holder']);
    sim.request(['next']);
    sim.run(1000);
    const before = sim.master.rooms.locks.fence('build:1');
    expect(sim.master.releaseLock('tree', { buildId: 1, stepNumber: null }, 'its disk is full')).toBe(before);
    expect(sim.master.rooms.locks.fence('build:2')).toBeGreaterThan(before ?? Number.NaN);
    expect(sim.master.rooms.locks.locksOf('build:1')).toEqual(['gate']);
    sim.run(60_000);
    expect(stepsOf(sim, 1)).toEqual(['publish: CANCELLED', 'abort: SKIPPED']);
    expect(begunOn(sim, 'w1')).toEqual(['holder #1, publish', 'next #1, next']);
    expect(sim.master.core.db.one('SELECT result, summary FROM builds WHERE id = 1')).toEqual({
      result: 'CANCELLED',
      summary: 'stopped: lock "tree" was taken from it: its disk is full',
    });
    expect(sim.master.rooms.locks.locksOf('build:1')).toEqual([]);
  });

  it('stays taken over a restart, while the worker that ran the build is away', () => {
    using sim = new SimulatedSite({ site: whole(), work: forever });
    sim.connectAll().request(['holder']);
    sim.run(1000);
    sim.worker('w1').cut();
    sim.master.releaseLock('tree', { buildId: 1, stepNumber: null }, 'its machine is gone');
    sim.killMaster();
    sim.startMaster().run(1000).connectAll().run(60_000);
    expect(stepsOf(sim, 1)).toEqual(['publish: CANCELLED', 'abort: SKIPPED']);
    expect(begunOn(sim, 'w1')).toEqual(['holder #1, publish']);
  });

  it('must be held by whom it is taken from', () => {
    using sim = new SimulatedSite({ site: whole(), work: forever });
    sim.connectAll().request(['holder']);
    const take = (lock: string, stepNumber: number | null) => () =>
      sim.master.releaseLock(lock, { buildId: 1, stepNumber }, 'why not');
    expect(take('tree', 0)).toThrow(ActionError);
    expect(take('other', null)).toThrow('lock "other" is not held by build 1');
    expect(sim.master.rooms.builds.rows.build(1)?.stop_reason).toBeNull();
  });
});

describe('steps that hold a lock together', () => {
  const span = holdTogether([tree.exclusive()], [run('open'), run('work'), run('close', { alwaysRun: true })]);
  const holder = builder({ name: 'holder', workers: [w1], factory: factory([run('first'), span, run('last')]) });
  const next = builder({ name: 'next', workers: [w1], factory: factory([run('next', { locks: [tree.exclusive()] })]) });
  const whole = () => siteWith({ workers: [w1], builders: [holder, next] });
  const second = () => ({ durationMs: 1000 });
  /** When commands began, in seconds: each takes one. */
  const labels = (sim: SimulatedSite) => begunOn(sim, 'w1').map((label) => label.replace(/^.*, /, ''));

  it('have it from the begin of the first to the end of the last, and nobody between', () => {
    using sim = new SimulatedSite({ site: whole(), work: second });
    sim.connectAll().request(['holder']);
    sim.run(1500).request(['next']);
    sim.run(20_000);
    expect(labels(sim)).toEqual(['first', 'open', 'work', 'close', 'last', 'next']);
    expect(sim.master.rooms.locks.holders()).toEqual([]);
  });

  it('keep it over a restart of the master between two of them', () => {
    using sim = new SimulatedSite({ site: whole(), work: second });
    sim.connectAll().request(['holder']);
    sim.run(2500).killMaster();
    sim.startMaster().run(100).request(['next']);
    expect(sim.master.rooms.locks.locksOf('step:1.1')).toEqual(['tree']);
    sim.connectAll().run(20_000);
    expect(labels(sim).filter((label) => label !== 'first' && label !== 'last')).toEqual([
      'open',
      'work',
      'close',
      'next',
    ]);
  });

  it('give it back when the build was stopped, after the clean-up', () => {
    using sim = new SimulatedSite({ site: whole(), work: second });
    sim.connectAll().request(['holder']);
    sim.run(2500).request(['next']);
    sim.master.rooms.core.turn(() => sim.master.rooms.builds.stop(1, 'enough'));
    sim.run(20_000);
    expect(stepsOf(sim, 1)).toEqual([
      'first: SUCCESS',
      'open: SUCCESS',
      'work: CANCELLED',
      'close: SUCCESS',
      'last: SKIPPED',
    ]);
    expect(labels(sim).slice(-2)).toEqual(['close', 'next']);
  });

  it('may not ask for it again', () => {
    const again = holdTogether(
      [tree.exclusive()],
      [run('open'), run('again', { locks: [tree.exclusive()] }), run('end')],
    );
    const site = siteWith({
      workers: [w1],
      builders: [builder({ name: 'b', workers: [w1], factory: factory(again) })],
    });
    using sim = new SimulatedSite({ site, work: second });
    sim.connectAll().request(['b']);
    sim.run(20_000);
    expect(stepsOf(sim, 1)).toContain('again: EXCEPTION');
    expect(sim.master.rooms.locks.holders()).toEqual([]);
  });
});
