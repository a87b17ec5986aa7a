import { describe, expect, it } from 'vitest';
import { builder, factory } from '../config/builders.ts';
import { masterLock } from '../config/locks.ts';
import { worker } from '../config/workers.ts';
import { LockViews } from '../events/lock-views.ts';
import { SimulatedSite } from '../simulation/simulated-site.ts';
import { programs, run, siteWith } from '../simulation/test-language.ts';

const w1 = worker({ name: 'w1', maxBuilds: 3 });
const tree = masterLock('tree', { alarmAfter: '10m' });
const one = (name: string) =>
  builder({ name, workers: [w1], locks: [tree.exclusive()], factory: factory([run(name)]) });
const MINUTE = 60_000;

function open(warnings: string[]) {
  return new SimulatedSite({
    site: siteWith({ workers: [w1], builders: [one('long'), one('short')] }),
    work: programs({ long: { durationMs: 30 * MINUTE } }),
    log: { info() {}, warn: (_fields, message) => warnings.push(message), error() {} },
  }).connectAll();
}
const alarmOf = (sim: SimulatedSite) =>
  new LockViews(sim.master.core.db, sim.master.config, () => sim.clock.now()).lock('tree').alarm;
const WARNING =
  'lock "tree" is waited for longer than its alarmAfter; "icefall locks" tells who holds it and who waits';

describe('a wait for a lock that is longer than its limit', () => {
  it('is told once, and is seen for as long as it lasts', () => {
    const warnings: string[] = [];
    using sim = open(warnings);
    sim.request(['long']);
    sim.request(['short']);
    sim.run(9 * MINUTE);
    expect([alarmOf(sim), warnings, sim.master.core.alarms.all]).toEqual([null, [], []]);
    const before = sim.master.core.seq;
    sim.run(2 * MINUTE);
    expect(alarmOf(sim)).toMatchObject({ waiter: { builder: 'short', mode: 'exclusive' } });
    expect(sim.master.core.alarms.all).toMatchObject([{ kind: 'lockWait tree' }]);
    expect(sim.master.core.db.all('SELECT key FROM events WHERE seq > ?', before)).toContainEqual({
      key: 'tree',
    });
    sim.run(10 * MINUTE);
    expect(warnings).toEqual([WARNING]);
    sim.run(60 * MINUTE);
    expect([alarmOf(sim), sim.master.core.alarms.all]).toEqual([null, []]);
  });

  it('is found by a master that starts with it', () => {
    const warnings: string[] = [];
    using sim = open(warnings);
    sim.request(['long']);
    sim.request(['short']);
    sim.run(MINUTE).killMaster();
    sim.run(15 * MINUTE);
    expect(warnings).toEqual([]);
    sim.startMaster();
    expect(warnings).toEqual([WARNING]);
  });
});
