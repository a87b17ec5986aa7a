import { describe, expect, it } from 'vitest';
import { builder, factory } from '../config/builders.ts';
import { triggerableScheduler } from '../config/schedulers.ts';
import { worker } from '../config/workers.ts';
import { SimulatedSite } from '../simulation/simulated-site.ts';
import { blockerOf, run, siteWith } from '../simulation/test-language.ts';
import { trigger } from '../steps/trigger.ts';

const w1 = worker({ name: 'w1', maxBuilds: 2 });
const child = builder({ name: 'child', workers: [w1], factory: factory([run('c')]) });
const children = triggerableScheduler({ name: 'children', builders: [child] });
const parent = builder({
  name: 'parent',
  workers: [w1],
  factory: factory([run('first'), trigger({ schedulers: [children], wait: true })]),
});
const site = siteWith({ workers: [w1], builders: [parent, child], schedulers: [children] });
const open = () => new SimulatedSite({ site }).connectAll();

describe('a master that drains', () => {
  it('accepts requests, starts none of them, and says why', () => {
    using sim = open();
    sim.master.setDraining(true);
    const { requestIds } = sim.request(['child']);
    sim.run(60_000);
    expect(blockerOf(sim, requestIds[0] ?? 0)?.kind).toBe('draining');
    expect(sim.result(requestIds[0] ?? 0)).toBeNull();
    sim.master.setDraining(false);
    sim.run(60_000);
    expect(sim.result(requestIds[0] ?? 0)).toBe('SUCCESS');
  });

  it('lets what runs go on, with the builds that it triggers, and is idle after that', async () => {
    using sim = open();
    const running = sim.request(['parent']).requestIds[0] ?? 0;
    sim.run(500);
    sim.master.setDraining(true);
    const waiting = sim.request(['child']).requestIds[0] ?? 0;
    const idle = sim.master.idle(new AbortController().signal);
    sim.run(60_000);
    expect(await idle).toBe(true);
    expect(sim.result(running)).toBe('SUCCESS');
    expect(sim.result(waiting)).toBeNull();
    expect(blockerOf(sim, waiting)?.kind).toBe('draining');
  });

  it('is not idle when the wait for it is called off', async () => {
    using sim = open();
    sim.request(['child']);
    const end = new AbortController();
    const idle = sim.master.idle(end.signal);
    end.abort();
    expect(await idle).toBe(false);
  });

  it('that is started again drains no more', () => {
    using sim = open();
    sim.master.setDraining(true);
    const { requestIds } = sim.request(['child']);
    sim.run(1000);
    sim.killMaster();
    sim.startMaster().connectAll().run(60_000);
    expect(sim.result(requestIds[0] ?? 0)).toBe('SUCCESS');
  });

  it('does not drain where that could not be put on record', () => {
    using sim = open();
    expect(() =>
      sim.master.core.turn(() => {
        sim.master.setDraining(true);
        throw new Error('no');
      }),
    ).toThrow('no');
    expect(sim.master.drainingSince).toBeNull();
  });
});
