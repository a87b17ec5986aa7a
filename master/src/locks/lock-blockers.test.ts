import { describeBlocker } from '@icefall/shared';
import { expect, test } from 'vitest';
import { builder, factory } from '../config/builders.ts';
import { masterLock } from '../config/locks.ts';
import { worker } from '../config/workers.ts';
import { SimulatedSite } from '../simulation/simulated-site.ts';
import { siteWith } from '../simulation/test-language.ts';
import { shell } from '../steps/shell.ts';
import { MOST_NAMED_HOLDERS } from './lock-blockers.ts';

const HOLDERS = MOST_NAMED_HOLDERS + 2;
const MINUTE = 60_000;

test('a blocker names those that have the lock longest and counts the others; each one that goes is seen', () => {
  const tree = masterLock('tree', { maxCount: HOLDERS });
  const workers = Array.from({ length: HOLDERS + 1 }, (_, i) => worker({ name: `w${i}` }));
  const builders = workers.map((one, i) => {
    const lock = i < HOLDERS ? tree.counting() : tree.exclusive();
    return builder({ name: `b${i}`, workers: [one], factory: factory([shell({ command: ['make'], locks: [lock] })]) });
  });
  // The first one ends first, a minute before the second.
  using sim = new SimulatedSite({
    site: siteWith({ workers, builders }),
    work: (_command, label) => ({ durationMs: (Number(/^b(\d+) /.exec(label)?.[1]) + 1) * MINUTE }),
  });
  sim.connectAll();
  for (const { name } of builders) {
    sim.request([name]);
    sim.run(1000);
  }
  const blocker = () => sim.master.rooms.lockBlockers.of(`step:${HOLDERS + 1}.0`);
  const named = () => {
    const now = blocker();
    return now?.kind === 'lock' ? { names: now.holders.map((holder) => holder.builder), others: now.others } : null;
  };
  const names = (from: number) => Array.from({ length: MOST_NAMED_HOLDERS }, (_, i) => `b${from + i}`);
  expect(named()).toEqual({ names: names(0), others: 2 });
  const told = blocker();
  expect(told === null ? '' : describeBlocker(told)).toContain('b9 #1 (shell) and 2 more');
  sim.run(MINUTE);
  expect(named()).toEqual({ names: names(1), others: 1 });
  sim.run(MINUTE);
  expect(named()).toEqual({ names: names(2), others: undefined });
});
