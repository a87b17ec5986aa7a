import { describe, expect, it } from 'vitest';
import { builder, factory } from '../config/builders.ts';
import { worker } from '../config/workers.ts';
import { SimulatedSite } from '../simulation/simulated-site.ts';
import { run, siteWith } from '../simulation/test-language.ts';

const w1 = worker({ name: 'w1' });
const renew = builder({ name: 'renew', workers: [w1], factory: factory([run('renew')]) });
const other = builder({ name: 'other', workers: [w1], factory: factory([run('other')]) });
const DAY = 86_400_000;
const HOUR = DAY / 24;

function open() {
  return new SimulatedSite({ site: siteWith({ workers: [w1], builders: [renew, other] }) });
}
function tell(sim: SimulatedSite, days: number): void {
  const deadline = { name: 'list', what: 'the list', at: sim.clock.now() + days * DAY, warnMs: 7 * DAY };
  sim.master.core.turn(() => sim.master.rooms.deadlines.set(deadline, 'renew'));
}
const alarms = (sim: SimulatedSite) =>
  sim.master.core.alarms.all.map(({ message }) => message.replace(/ on .* UTC/, ''));

describe('a deadline', () => {
  it('raises an alarm when it comes near, which tells the days left, and then that it has passed', () => {
    using sim = open();
    tell(sim, 30);
    sim.run(23 * DAY - HOUR);
    expect(alarms(sim)).toEqual([]);
    sim.run(2 * HOUR);
    expect(alarms(sim)).toEqual(['the list ends, in 7 days']);
    sim.run(5 * DAY);
    expect(alarms(sim)).toEqual(['the list ends, in 2 days']);
    sim.run(3 * DAY);
    expect(alarms(sim)).toEqual(['the list has ended']);
  });

  it('is alarmed no more once it is renewed', () => {
    using sim = open();
    tell(sim, 3);
    expect(alarms(sim)).toEqual(['the list ends, in 3 days']);
    tell(sim, 30);
    expect(alarms(sim)).toEqual([]);
  });

  it('is known after a restart', () => {
    using sim = open();
    tell(sim, 10);
    sim.killMaster();
    sim.startMaster().run(4 * DAY);
    expect(alarms(sim)).toEqual(['the list ends, in 6 days']);
  });

  it('is forgotten when the builder that told it has left the configuration', () => {
    using sim = open();
    tell(sim, 3);
    sim.configure(siteWith({ workers: [w1], builders: [other] }));
    expect(alarms(sim)).toEqual([]);
  });
});
