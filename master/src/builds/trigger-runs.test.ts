import { describe, expect, it } from 'vitest';
import { builder, factory } from '../config/builders.ts';
import { masterLock } from '../config/locks.ts';
import { triggerableScheduler } from '../config/schedulers.ts';
import { worker } from '../config/workers.ts';
import { SimulatedSite } from '../simulation/simulated-site.ts';
import { begunOn, programs, run, siteWith, stepsOf } from '../simulation/test-language.ts';
import { trigger } from '../steps/trigger.ts';

const w1 = worker({ name: 'w1' });

describe('a trigger that waits', () => {
  const child = builder({ name: 'child', workers: [w1], factory: factory([run('a')]) });
  const children = triggerableScheduler({ name: 'children', builders: [child] });
  const parent = builder({
    name: 'parent',
    workers: [w1],
    factory: factory([trigger({ schedulers: [children], wait: true }), run('after')]),
  });
  const whole = () => siteWith({ workers: [w1], builders: [child, parent], schedulers: [children] });

  it('gives its slot to its own child, and gets it back before a newer request', () => {
    using sim = new SimulatedSite({ site: whole() });
    const { requestIds } = sim.connectAll().request(['parent']);
    sim.run(100);
    sim.request(['child']);
    sim.run(20_000);
    expect(stepsOf(sim, 1)).toEqual(['trigger: SUCCESS', 'after: SUCCESS']);
    expect(sim.result(requestIds[0] ?? 0)).toBe('SUCCESS');
    expect(begunOn(sim, 'w1')).toEqual(['child #1, a', 'parent #1, after', 'child #2, a']);
  });

  it('takes the worst result of its children', () => {
    using sim = new SimulatedSite({ site: whole(), work: programs({ a: { durationMs: 10, exitCode: 1 } }) });
    const { requestIds } = sim.connectAll().request(['parent']);
    sim.run(20_000);
    expect(stepsOf(sim, 1)).toEqual(['trigger: FAILURE', 'after: SUCCESS']);
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
    expect(stepsOf(sim, 1)).toEqual(['trigger: CANCELLED', 'after: SKIPPED']);
    expect(sim.master.rooms.builds.rows.build(2)?.result).toBe('CANCELLED');
  });
});

describe('a trigger step', () => {
  const ok = builder({ name: 'ok', workers: [w1], factory: factory([run('fine')]) });
  const bad = builder({ name: 'bad', workers: [w1], factory: factory([run('broken')]) });
  const oks = triggerableScheduler({ name: 'oks', builders: [ok] });
  const bads = triggerableScheduler({ name: 'bads', builders: [bad] });
  const siteOf = (step: ReturnType<typeof trigger>) =>
    siteWith({
      workers: [w1],
      builders: [ok, bad, builder({ name: 'parent', workers: [w1], factory: factory([step]) })],
      schedulers: [oks, bads],
    });
  const work = programs({ broken: { durationMs: 10, exitCode: 1 } });

  it('does not count the result of unimportant schedulers', () => {
    const step = trigger({ schedulers: [oks, bads], wait: true, unimportant: [bads] });
    using sim = new SimulatedSite({ site: siteOf(step), work });
    const { requestIds } = sim.connectAll().request(['parent']);
    sim.run(20_000);
    expect(sim.result(requestIds[0] ?? 0)).toBe('SUCCESS');
  });

  it('that does not wait ends at once, whatever becomes of its children', () => {
    using sim = new SimulatedSite({ site: siteOf(trigger({ schedulers: [bads] })), work });
    const { requestIds } = sim.connectAll().request(['parent']);
    sim.run(1);
    expect(sim.result(requestIds[0] ?? 0)).toBe('SUCCESS');
    sim.run(20_000);
    expect(sim.master.rooms.builds.rows.build(2)?.result).toBe('FAILURE');
  });

  it('ends as EXCEPTION where a scheduler is switched off, and takes back what it had started', () => {
    using sim = new SimulatedSite({ site: siteOf(trigger({ schedulers: [oks, bads], wait: true })), work });
    sim.connectAll().master.schedulers.setEnabled('bads', false);
    const { requestIds } = sim.request(['parent']);
    sim.run(20_000);
    expect(sim.result(requestIds[0] ?? 0)).toBe('EXCEPTION');
    expect(sim.result((requestIds[0] ?? 0) + 1)).toBe('CANCELLED');
    expect(begunOn(sim, 'w1')).toEqual([]);
  });
});

describe('two parents on one worker with two slots', () => {
  it('do not keep each other and their children from running', () => {
    const w = worker({ name: 'w', maxBuilds: 2 });
    const child = builder({ name: 'child', workers: [w], factory: factory([run('a')]) });
    const children = triggerableScheduler({ name: 'children', builders: [child] });
    const parent = builder({
      name: 'parent',
      workers: [w],
      factory: factory([run('checkout'), trigger({ schedulers: [children], wait: true }), run('after')]),
    });
    using sim = new SimulatedSite({
      site: siteWith({ workers: [w], builders: [child, parent], schedulers: [children] }),
    });
    sim.connectAll();
    const ids = [1, 2, 3, 4].map(() => sim.request(['parent']).requestIds[0] ?? 0);
    sim.run(60_000);
    expect(ids.map((id) => sim.result(id))).toEqual(['SUCCESS', 'SUCCESS', 'SUCCESS', 'SUCCESS']);
  });

  it('nor does a parent that holds a lock which the others on its worker wait for', () => {
    const w = worker({ name: 'w' });
    const lock = masterLock('tree');
    const child = builder({ name: 'child', workers: [w], factory: factory([run('a')]) });
    const children = triggerableScheduler({ name: 'children', builders: [child] });
    const parent = builder({
      name: 'parent',
      workers: [w],
      locks: [lock.exclusive()],
      factory: factory([trigger({ schedulers: [children], wait: true }), run('after')]),
    });
    const other = builder({ name: 'other', workers: [w], factory: factory([run('b', { locks: [lock.exclusive()] })]) });
    using sim = new SimulatedSite({
      site: siteWith({ workers: [w], builders: [child, parent, other], schedulers: [children] }),
    });
    const first = sim.connectAll().request(['parent']).requestIds[0] ?? 0;
    sim.run(500);
    const second = sim.request(['other'], { priority: 10 }).requestIds[0] ?? 0;
    sim.run(60_000);
    expect([sim.result(first), sim.result(second)]).toEqual(['SUCCESS', 'SUCCESS']);
  });
});
