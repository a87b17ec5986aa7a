import type { Result } from '@icefall/shared';
import { describe, expect, test } from 'vitest';
import { dependentScheduler, singleBranchScheduler } from '../config/schedulers.ts';
import { prop } from '../properties/references.ts';
import { docs, linux, TestRoom } from './test-room.ts';

const upstream = singleBranchScheduler({
  name: 'up',
  builders: [linux],
  changes: { branch: 'main' },
  properties: { own: 'upstream' },
});
const other = singleBranchScheduler({ name: 'other', builders: [linux], changes: { branch: 'other' } });
const down = dependentScheduler({ name: 'down', builders: [docs], upstream, properties: { level: 2 } });

describe('a dependent scheduler', () => {
  test.each<[Result, boolean]>([
    ['SUCCESS', true],
    ['WARNINGS', true],
    ['SKIPPED', true],
    ['FAILURE', false],
    ['EXCEPTION', false],
    ['CANCELLED', false],
  ])('after %s: %s', (result, follows) => {
    const room = TestRoom.started([upstream, down]);
    room.push();
    room.finish(1, result);
    expect(room.built('down')).toHaveLength(follows ? 1 : 0);
  });

  test('builds the same source and changes, with its own properties and those of the changes', () => {
    const room = TestRoom.started([upstream, down]);
    const a = room.push({ revision: 'r1', properties: { from: 'change' } });
    expect(room.built('down')).toEqual([]);
    room.finish(1, 'SUCCESS');
    expect(room.built('down')[0]).toMatchObject({
      reason: 'downstream',
      changeIds: [a],
      sourceStamps: room.built('up')[0]?.sourceStamps,
    });
    expect(room.built('down')[0]?.properties).toEqual({
      level: { value: 2, source: 'Scheduler: down' },
      from: { value: 'change', source: 'Change' },
    });
  });

  test('follows its upstream only, once, also in a chain', () => {
    const chained = dependentScheduler({ name: 'last', builders: [linux], upstream: down });
    const room = TestRoom.started([upstream, other, down, chained]);
    room.push({ branch: 'other' });
    room.finish(1, 'SUCCESS');
    expect(room.built()).toHaveLength(1);
    room.push();
    room.finish(2, 'SUCCESS');
    room.finish(2, 'SUCCESS');
    expect(room.built().map((buildset) => buildset.scheduler)).toEqual(['other', 'up', 'down']);
    room.finish(3, 'WARNINGS');
    expect(room.built().at(-1)).toMatchObject({ scheduler: 'last', changeIds: [2] });
  });

  test('follows a buildset of an earlier process', () => {
    const room = TestRoom.started([upstream, down]);
    room.push();
    const next = room.restarted();
    next.finish(1, 'SUCCESS');
    expect(next.built('down')).toHaveLength(1);
  });

  test('that is switched off does not follow, then or later', () => {
    const room = TestRoom.started([upstream, down]);
    room.push();
    room.schedulers.setEnabled('down', false);
    room.finish(1, 'SUCCESS');
    room.schedulers.setEnabled('down', true);
    expect(room.built('down')).toEqual([]);
  });

  test('whose property cannot be evaluated does not keep the upstream from ending', () => {
    const bad = dependentScheduler({ name: 'bad', builders: [docs], upstream, properties: { a: prop('nowhere') } });
    const room = TestRoom.started([upstream, bad, down]);
    room.push();
    room.finish(1, 'SUCCESS');
    expect(room.built('up')[0]?.result).toBe('SUCCESS');
    expect(room.built('down')).toHaveLength(1);
    expect(room.schedulers.view('bad')?.lastError).toContain('nowhere');
  });
});
