import { describe, expect, test } from 'vitest';
import { builder, factory } from '../config/builders.ts';
import { anyBranchScheduler, periodicScheduler } from '../config/schedulers.ts';
import { worker } from '../config/workers.ts';
import { SimulatedSite } from '../simulation/simulated-site.ts';
import { blockerOf, run, siteWith } from '../simulation/test-language.ts';

const HOUR = 60 * 60_000;
const MINUTE = 60_000;
const w1 = worker({ name: 'w1', grace: '10m' });
const site = siteWith({
  workers: [w1],
  builders: [builder({ name: 'one', workers: [w1], factory: factory([run('a')]) })],
});

/** A build whose worker has just gone. */
function abandoned() {
  const sim = new SimulatedSite({ site, work: () => ({ durationMs: 12 * HOUR }) }).connectAll();
  sim.request(['one']);
  sim.run(1000);
  sim.worker('w1').cut();
  sim.run(1000);
  return sim;
}

/** Whether the build still waits for its worker. */
const waits = (sim: SimulatedSite) => sim.master.rooms.builds.rows.build(1)?.state === 'running';

describe('a wall clock that is set', () => {
  test.each([-HOUR, HOUR])('by %d ms leaves the grace of an absent worker as long as it was', (ms) => {
    using sim = abandoned();
    sim.clock.jumpTo(sim.clock.now() + ms);
    sim.run(9 * MINUTE);
    expect(waits(sim)).toBe(true);
    const until = sim.master.rooms.builds.rows.build(1)?.grace_until ?? 0;
    // The page counts down to it.
    expect(Math.round((until - sim.clock.now()) / MINUTE)).toBe(1);
    sim.run(MINUTE);
    expect(waits(sim)).toBe(false);
  });

  test.each([-HOUR, HOUR])('by %d ms is noticed before a timer that is due judges by it', (ms) => {
    using sim = abandoned();
    // Between two looks of the watch, and a moment before the first of them would come.
    sim.run(10 * MINUTE - 2000);
    sim.clock.jumpTo(sim.clock.now() + ms);
    sim.run(900);
    expect(waits(sim)).toBe(true);
    sim.run(1200);
    expect(waits(sim)).toBe(false);
  });

  test.each([-HOUR, HOUR])('by %d ms leaves alone what is set right after it', (ms) => {
    using sim = new SimulatedSite({ site, work: () => ({ durationMs: 12 * HOUR }) }).connectAll();
    sim.request(['one']);
    sim.run(1000);
    sim.clock.jumpTo(sim.clock.now() + ms);
    sim.worker('w1').cut();
    sim.run(10 * MINUTE - 1000);
    expect(waits(sim)).toBe(true);
    sim.run(2000);
    expect(waits(sim)).toBe(false);
  });

  test.each([-HOUR, HOUR])('by %d ms raises an alarm, for an hour', (ms) => {
    using sim = abandoned();
    const { alarms } = sim.master.core;
    sim.clock.jumpTo(sim.clock.now() + ms);
    sim.run(10_000);
    expect(alarms.all).toMatchObject([
      { kind: 'clockJumped', message: expect.stringContaining(ms > 0 ? 'forward by 1 h 00 m' : 'back by 1 h 00 m') },
    ]);
    sim.run(HOUR);
    expect(alarms.all).toEqual([]);
  });

  test.each([-HOUR, HOUR])('by %d ms leaves a tree-stable timer and a period as long as they were', (ms) => {
    const one = builder({ name: 'one', workers: [w1], factory: factory([run('a')]) });
    const push = anyBranchScheduler({ name: 'push', builders: [one], treeStableTimer: '30m' });
    const clock = periodicScheduler({ name: 'clock', builders: [one], every: '40m' });
    using sim = new SimulatedSite({ site: siteWith({ workers: [w1], builders: [one], schedulers: [push, clock] }) });
    const started = (scheduler: string) =>
      sim.master.core.db.all('SELECT id FROM buildsets WHERE scheduler = ?', scheduler).length;
    sim.run(1000);
    sim.master.changes.add({
      ...{ repository: 'r', branch: 'main', revision: 'a'.repeat(40), author: 'me', committer: null, message: 'm' },
      ...{ files: [], commits: [], codebase: '', project: '', category: null, link: null, properties: {} },
      ...{ source: 'sendchange', deliveryId: null, at: null },
    });
    expect([started('push'), started('clock')]).toEqual([0, 1]);
    sim.run(10 * MINUTE);
    sim.clock.jumpTo(sim.clock.now() + ms);
    sim.run(19 * MINUTE);
    expect([started('push'), started('clock')]).toEqual([0, 1]);
    sim.run(2 * MINUTE);
    expect([started('push'), started('clock')]).toEqual([1, 1]);
    sim.run(8 * MINUTE);
    expect([started('push'), started('clock')]).toEqual([1, 1]);
    sim.run(2 * MINUTE);
    expect([started('push'), started('clock')]).toEqual([1, 2]);
  });

  test('by less than a time server corrects moves nothing', () => {
    using sim = abandoned();
    const before = sim.master.rooms.builds.rows.build(1)?.grace_until;
    sim.clock.jumpTo(sim.clock.now() + 500);
    sim.run(MINUTE);
    expect(sim.master.rooms.builds.rows.build(1)?.grace_until).toBe(before);
  });

  test('back leaves no retry waiting longer than its back-off', () => {
    using sim = abandoned();
    sim.run(10 * MINUTE);
    sim.clock.jumpTo(sim.clock.now() - HOUR);
    expect(blockerOf(sim, 1)?.kind).toBe('backOff');
    sim.run(5 * MINUTE);
    // It would be started now, if there were a worker.
    expect(blockerOf(sim, 1)?.kind).toBe('workersOffline');
  });
});
