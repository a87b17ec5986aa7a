import { describe, expect, test } from 'vitest';
import { openDatabase } from '../db/database.ts';
import { Core } from '../engine/core.ts';
import { VirtualClock } from '../engine/virtual-clock.ts';
import type { FreeSpace } from './free-space.ts';
import { LOOK_EVERY_MS, StorageHealth } from './health.ts';

const GIB = 1024 ** 3;
const quiet = { info() {}, warn() {}, error() {} };

function watch(leastFreeBytes: number | null = null) {
  const clock = new VirtualClock(1000);
  const core = new Core({ database: openDatabase(':memory:'), clock, random: { next: () => 0.5 }, log: quiet });
  const disk: { space: FreeSpace | Error } = { space: { free: 50 * GIB, total: 100 * GIB } };
  const freeSpace = () => {
    if (disk.space instanceof Error) throw disk.space;
    return disk.space;
  };
  const health = new StorageHealth(core, { freeSpace, leastFreeBytes });
  health.start();
  const alarms = () => core.alarms.all.map(({ kind }) => kind);
  return { clock, core, disk, health, alarms };
}

describe('the free space of the disk', () => {
  test('raises an alarm before it is gone, which says since when and ends with it', () => {
    const { clock, core, disk, alarms } = watch();
    clock.advance(LOOK_EVERY_MS);
    expect(alarms()).toEqual([]);
    disk.space = { free: 0.9 * GIB, total: 100 * GIB };
    clock.advance(LOOK_EVERY_MS);
    expect(core.alarms.all).toEqual([
      { kind: 'diskSpaceLow', message: expect.stringContaining('nearly full'), since: 1000 + 2 * LOOK_EVERY_MS },
    ]);
    disk.space = { free: 0.1 * GIB, total: 100 * GIB };
    clock.advance(LOOK_EVERY_MS);
    expect(core.alarms.all[0]).toMatchObject({ since: 1000 + 2 * LOOK_EVERY_MS });
    disk.space = { free: 2 * GIB, total: 100 * GIB };
    clock.advance(LOOK_EVERY_MS);
    expect(alarms()).toEqual([]);
  });

  test.each([
    [null, 4 * GIB, 10 * GIB, false],
    [null, 0.6 * GIB, 10 * GIB, false],
    [null, 0.4 * GIB, 10 * GIB, true],
    [5 * GIB, 4 * GIB, 10 * GIB, true],
    [0, 0.001 * GIB, 10 * GIB, false],
  ])(
    'is too little by the wanted limit (%s), else below 1 GiB or a twentieth: %d of %d: %s',
    (limit, free, total, low) => {
      const { clock, disk, alarms } = watch(limit);
      disk.space = { free, total };
      clock.advance(LOOK_EVERY_MS);
      expect(alarms()).toEqual(low ? ['diskSpaceLow'] : []);
    },
  );

  test('tells clients of the alarm, and of its end', () => {
    const { clock, core, disk } = watch();
    const told: string[] = [];
    core.committed.on((touched) => told.push(...touched.map(({ kind }) => kind)));
    disk.space = { free: 0, total: GIB };
    clock.advance(LOOK_EVERY_MS);
    disk.space = { free: GIB, total: GIB };
    clock.advance(LOOK_EVERY_MS);
    expect(told).toEqual(['config', 'config']);
  });

  test('that cannot be told is no reason to stop looking', () => {
    const { clock, disk, alarms } = watch();
    disk.space = new Error('stale file handle');
    clock.advance(LOOK_EVERY_MS);
    disk.space = { free: 0, total: GIB };
    clock.advance(LOOK_EVERY_MS);
    expect(alarms()).toEqual(['diskSpaceLow']);
  });

  test('is not looked at any more once the master stops', () => {
    const { clock, disk, health, alarms } = watch();
    health.stop();
    disk.space = { free: 0, total: GIB };
    clock.advance(10 * LOOK_EVERY_MS);
    expect(alarms()).toEqual([]);
  });
});
