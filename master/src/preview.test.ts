import type { ForcePreview } from '@icefall/shared';
import { describe, expect, it } from 'vitest';
import { builder, factory } from './config/builders.ts';
import { integerField } from './config/fields.ts';
import { masterLock } from './config/locks.ts';
import { forceScheduler } from './config/schedulers.ts';
import { worker } from './config/workers.ts';
import { SimulatedSite } from './simulation/simulated-site.ts';
import { programs, run, siteWith } from './simulation/test-language.ts';

const w1 = worker({ name: 'w1', maxBuilds: 2 });
const tree = masterLock('tree');
const pool = masterLock('pool', { maxCount: 2 });
const keeper = builder({
  name: 'keeper',
  workers: [w1],
  factory: factory([run('keep', { locks: [tree.exclusive(), pool.counting()] })]),
});
const seeker = builder({
  name: 'seeker',
  workers: [w1],
  collapseRequests: true,
  factory: factory([run('look'), run('seek', { locks: [tree.exclusive(), pool.counting()] })]),
});
const form = forceScheduler({
  name: 'form',
  builders: [keeper, seeker],
  codebases: { '': { repository: 'tools.git', branch: 'main' } },
  fields: [integerField({ name: 'jobs', min: 1, default: 4 })],
});

function open(): SimulatedSite {
  const site = siteWith({ workers: [w1], builders: [keeper, seeker], schedulers: [form] });
  return new SimulatedSite({ site, work: programs({ keep: { durationMs: 600_000 } }) });
}

function preview(sim: SimulatedSite, values: Record<string, number> = {}): ForcePreview {
  return sim.master.previewForce('form', { builders: ['seeker'], values }, null);
}

describe('the preview of a filled-in form', () => {
  it('says what it would start, and nothing to wait for where there is nothing', () => {
    using sim = open();
    sim.connectAll();
    const { sourceStamps, fields, requests } = preview(sim);
    expect(sourceStamps).toMatchObject([{ repository: 'tools.git', branch: 'main', revision: null }]);
    expect(fields).toEqual({});
    expect(requests).toEqual([{ builder: 'seeker', blocker: null, ahead: 0, takesIn: [], locks: [] }]);
    expect(sim.master.core.db.one('SELECT COUNT(*) AS made FROM requests')).toEqual({ made: 0 });
  });

  it('names the locks that others hold, with who holds them; of a counting lock only one that is full', () => {
    using sim = open();
    sim.connectAll().request(['keeper']);
    sim.run(1000);
    const [seen] = preview(sim).requests;
    expect(seen?.locks).toMatchObject([
      { lock: 'tree', mode: 'exclusive', step: 'seek', waiting: 0, holders: [{ builder: 'keeper', stepName: 'keep' }] },
    ]);
    sim.request(['keeper']);
    sim.run(1000);
    expect(preview(sim).requests[0]?.locks[0]).toMatchObject({ lock: 'tree', waiting: 1 });
  });

  it('tells of a worker that is not there, of requests before it, and of those that it would take in', () => {
    using sim = open();
    const first = sim.master.schedulers.force('form', { builders: ['seeker'], values: {} }, null);
    const [same] = preview(sim).requests;
    expect(same?.blocker).toMatchObject({ kind: 'workersOffline', workers: [{ name: 'w1' }] });
    expect(same).toMatchObject({ ahead: 0, takesIn: first.requestIds });
    expect(preview(sim, { jobs: 8 }).requests[0]).toMatchObject({ ahead: 1, takesIn: [] });
    sim.master.setDraining(true);
    expect(preview(sim).requests[0]?.blocker?.kind).toBe('draining');
  });

  it('of a form with mistakes says what they are, and what its builders would wait for all the same', () => {
    using sim = open();
    const { sourceStamps, fields, requests } = preview(sim, { jobs: 0 });
    expect(sourceStamps).toBeNull();
    expect(Object.keys(fields)).toEqual(['jobs']);
    expect(requests).toMatchObject([{ builder: 'seeker', blocker: { kind: 'workersOffline' } }]);
  });

  it('is refused for a scheduler without a form', () => {
    using sim = open();
    expect(() => sim.master.previewForce('none', { values: {} }, null)).toThrow('no scheduler "none"');
  });
});
