import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { TestMaster } from '../support/master.ts';
import { groundOfFile } from '../support/vitest.ts';
import { mostTogether, overlap, overlaps, readIntervals } from './stamps.ts';

describe('locks, with real workers', () => {
  const ground = groundOfFile();
  const stamps = ground.path('stamps');
  let master: TestMaster;
  beforeAll(async () => {
    const site = join(import.meta.dirname, 'sites/locks.ts');
    master = await TestMaster.start(ground, { site, env: { STAMPS: stamps } });
    await Promise.all(['north', 'south', 'pair'].map((name) => master.worker(name)));
  });

  const forceAll = async (...schedulers: readonly string[]) => {
    const buildsets = [];
    for (const scheduler of schedulers) buildsets.push(await master.api.force(scheduler));
    const results = [];
    for (const buildset of buildsets) results.push((await master.api.finished(buildset)).result);
    return results;
  };

  test('counting steps run together up to the maximum, exclusive ones alone', async () => {
    const three = ['counting', 'counting', 'counting'];
    const results = await forceAll(...three, 'exclusive', ...three, 'counting', 'exclusive', 'exclusive');
    expect(results).toEqual(results.map(() => 'SUCCESS'));
    const intervals = readIntervals(stamps);
    const counting = intervals.filter(({ name }) => name === 'counting');
    const exclusive = intervals.filter(({ name }) => name === 'exclusive');
    expect([counting.length, exclusive.length]).toEqual([7, 3]);
    expect(mostTogether(counting)).toBe(3);
    expect(overlaps(exclusive, intervals)).toEqual([]);
  });

  test('a worker lock keeps steps apart on one worker, and lets those on another run', async () => {
    expect(await forceAll('on_disk', 'on_disk', 'on_disk', 'on_disk')).toEqual(Array(4).fill('SUCCESS'));
    const intervals = readIntervals(stamps).filter(({ name }) => name === 'on_disk');
    const [north, south] = ['north', 'south'].map((worker) => intervals.filter((one) => one.worker === worker));
    expect(overlaps(north ?? [])).toEqual([]);
    expect(overlaps(south ?? [])).toEqual([]);
    expect(north?.some((one) => south?.some((two) => overlap(one, two)))).toBe(true);
  });

  test('two parents that fill a worker with two slots get their children done on the same worker', async () => {
    expect(await forceAll('parent', 'parent')).toEqual(['SUCCESS', 'SUCCESS']);
    const intervals = readIntervals(stamps).filter(({ worker }) => worker === 'pair');
    const named = (...names: string[]) => intervals.filter(({ name }) => names.includes(name));
    expect(named('child_a', 'child_b')).toHaveLength(4);
    expect(overlaps(named('sources', 'after'), named('sources', 'after', 'child_a', 'child_b'))).toEqual([]);
    const { locks, workers } = await master.api.snapshot();
    expect(locks.flatMap(({ holders, waiters }) => [...holders, ...waiters])).toEqual([]);
    expect(workers.flatMap(({ buildIds }) => buildIds)).toEqual([]);
  });
});
