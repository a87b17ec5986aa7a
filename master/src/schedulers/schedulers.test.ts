import { changeSchema, schedulerSchema } from '@icefall/shared';
import { describe, expect, test } from 'vitest';
import {
  forceScheduler,
  nightlyScheduler,
  periodicScheduler,
  type SchedulerDeclaration,
  singleBranchScheduler,
  triggerableScheduler,
} from '../config/schedulers.ts';
import { prop } from '../properties/references.ts';
import { docs, HOUR, linux, MINUTE, siteOf, TestRoom } from './test-room.ts';

const triggerable = triggerableScheduler({
  name: 'platforms',
  builders: [linux, docs],
  codebases: { '': { repository: 'scripts.git', branch: 'main' }, lib: { repository: 'lib.git' } },
  properties: { variant: 'weak', level: 1 },
});
const onPush = singleBranchScheduler({
  name: 'push',
  builders: [linux],
  changes: { branch: 'main' },
  treeStableTimer: '10m',
});
const hourly = nightlyScheduler({ name: 'hourly', builders: [linux], cron: '0 * * * *' });
const stamp = { codebase: '', repository: 'scripts.git', branch: 'next', revision: 'r7', project: '' };
const parent = { buildId: 77, stepNumber: 3, unimportant: true };

function replace(room: TestRoom, schedulers: readonly SchedulerDeclaration[]): void {
  room.core.turn(() => room.config.replace(siteOf(schedulers)));
}

describe('a triggerable scheduler', () => {
  test("builds what its trigger gives, in the trigger's turn, for the trigger's build", () => {
    const room = TestRoom.started([triggerable]);
    const started = room.core.turn(() =>
      room.schedulers.trigger('platforms', {
        properties: { variant: 'v1' },
        sourceStamps: [stamp],
        parent,
        reason: 'triggered by checkout #4',
      }),
    );
    expect(started).toEqual({ buildsetId: 1, requestIds: [1, 2] });
    expect(room.built()[0]).toMatchObject({
      scheduler: 'platforms',
      reason: 'triggered by checkout #4',
      sourceStamps: [stamp, { codebase: 'lib', repository: 'lib.git', revision: null }],
      parentBuildId: 77,
      parentStepNumber: 3,
    });
    expect(room.built()[0]?.properties).toEqual({
      variant: { value: 'v1', source: 'Trigger' },
      level: { value: 1, source: 'Scheduler: platforms' },
    });
    expect(room.buildsets.row(1)?.unimportant).toBe(1);
  });

  test("lists the changes and the owner of its parent's buildset, but takes none of its properties", () => {
    const room = TestRoom.started([triggerable]);
    const a = room.push({ properties: { from: 'change' } });
    room.core.turn(() => {
      const { buildsetId, requestIds } = room.buildsets.add({
        scheduler: 'x',
        reason: 'x',
        owner: 'ada',
        builders: ['linux'],
        sourceStamps: [],
        changeIds: [a],
        properties: {},
        priority: 0,
      });
      room.core.db.run(
        `INSERT INTO builds (id, builder, number, request_id, buildset_id, attempt, epoch, worker, directory, holds_slot,
           state, result_so_far, submitted_at, started_at, properties, config_version, shape)
         VALUES (77, 'linux', 1, ?, ?, 1, 1, 'w1', 'd', 1, 'running', 'SUCCESS', 0, 0, '{}', 1, '')`,
        requestIds[0] ?? 0,
        buildsetId,
      );
    });
    room.schedulers.trigger('platforms', { properties: {}, sourceStamps: [], parent });
    expect(room.built('platforms')[0]).toMatchObject({ changeIds: [a], owner: 'ada', reason: 'triggered' });
    expect(room.built('platforms')[0]?.properties).not.toHaveProperty('from');
  });

  test('refuses what it cannot do, and leaves nothing behind', () => {
    const bad = triggerableScheduler({ name: 'bad', builders: [linux], properties: { a: prop('nowhere') } });
    const room = TestRoom.started([triggerable, bad, onPush]);
    const trigger = (name: string) => () => room.schedulers.trigger(name, { properties: {}, sourceStamps: [], parent });
    room.schedulers.setEnabled('platforms', false);
    expect(trigger('platforms')).toThrow(expect.objectContaining({ code: 'scheduler_disabled' }));
    expect(trigger('nobody')).toThrow(expect.objectContaining({ code: 'no_scheduler' }));
    expect(trigger('push')).toThrow(expect.objectContaining({ code: 'wrong_kind' }));
    expect(trigger('bad')).toThrow(expect.objectContaining({ code: 'bad_properties' }));
    expect(room.built()).toEqual([]);
  });

  test('refuses without taking back what else its caller did in the turn', () => {
    const bad = triggerableScheduler({ name: 'bad', builders: [linux], properties: { a: prop('nowhere') } });
    const room = TestRoom.started([triggerable, bad]);
    room.core.turn(() => {
      const request = { properties: {}, sourceStamps: [], parent };
      room.schedulers.trigger('platforms', request);
      expect(() => room.schedulers.trigger('bad', request)).toThrow();
    });
    expect(room.built()).toHaveLength(1);
  });
});

describe('the schedulers', () => {
  test('are shown with what the clock will do next', () => {
    const room = TestRoom.started([triggerable, hourly]);
    const view = schedulerSchema.parse(room.schedulers.view('hourly'));
    expect(view).toEqual({
      name: 'hourly',
      kind: 'nightly',
      builders: ['linux'],
      enabled: true,
      nextAt: room.clock.now() + HOUR,
      lastAt: null,
      lastError: null,
      form: null,
    });
    expect(room.schedulers.view('platforms')).toMatchObject({ kind: 'triggerable', nextAt: null });
    expect(room.schedulers.view('nobody')).toBeNull();
    room.advance(HOUR);
    expect(room.schedulers.view('hourly')).toMatchObject({
      nextAt: room.clock.now() + HOUR,
      lastAt: room.clock.now(),
    });
  });

  test('tell clients of what changes with them', () => {
    const room = TestRoom.started([hourly, onPush]);
    const touched: string[] = [];
    room.core.committed.on((all) => touched.push(...all.map(({ kind, key }) => `${kind} ${key}`)));
    room.push();
    expect(touched).toEqual(expect.arrayContaining(['change 1', 'scheduler push']));
    touched.length = 0;
    room.advance(HOUR);
    expect(touched).toContain('scheduler hourly');
    touched.length = 0;
    room.schedulers.setEnabled('hourly', false);
    expect(touched).toEqual(['scheduler hourly']);
  });

  test('do not wake those that were not started or have been stopped', () => {
    const room = new TestRoom([hourly]);
    room.advance(2 * HOUR);
    expect(room.built()).toEqual([]);
    room.schedulers.start();
    room.schedulers.stop();
    room.advance(2 * HOUR);
    expect(room.built()).toEqual([]);
  });

  test('stay switched off over restarts and new configurations', () => {
    const room = TestRoom.started([hourly]);
    room.schedulers.setEnabled('hourly', false);
    replace(room, [hourly, onPush]);
    const next = room.restarted();
    next.advance(3 * HOUR);
    expect(next.built()).toEqual([]);
    expect(next.schedulers.view('hourly')).toMatchObject({ enabled: false, nextAt: null });
  });

  test('refuse to switch one that the site has not', () => {
    const room = TestRoom.started([]);
    expect(() => room.schedulers.setEnabled('nobody', false)).toThrow(
      expect.objectContaining({ code: 'no_scheduler' }),
    );
  });

  test('start by hand only what changes or the clock start', () => {
    const force = forceScheduler({ name: 'force', builders: [linux] });
    const room = TestRoom.started([triggerable, force, hourly]);
    expect(room.schedulers.runNow('hourly')).toEqual([{ buildsetId: 1, requestIds: [1] }]);
    expect(() => room.schedulers.runNow('platforms')).toThrow(expect.objectContaining({ code: 'wrong_kind' }));
    expect(() => room.schedulers.runNow('force')).toThrow(expect.objectContaining({ code: 'wrong_kind' }));
    room.schedulers.setEnabled('hourly', false);
    expect(() => room.schedulers.runNow('hourly')).toThrow(expect.objectContaining({ code: 'scheduler_disabled' }));
  });
});

describe('a new configuration', () => {
  test('sets the clock for schedulers that are new, and not for those that are gone', () => {
    const other = nightlyScheduler({ name: 'other', builders: [linux], cron: '30 * * * *' });
    const room = TestRoom.started([hourly]);
    replace(room, [other]);
    room.advance(HOUR);
    expect(room.times()).toEqual(['2025-06-02T12:30']);
  });

  test('goes on with a delay that has begun', () => {
    const room = TestRoom.started([onPush]);
    room.push();
    room.advance(4 * MINUTE);
    replace(room, [onPush, hourly]);
    room.advance(6 * MINUTE);
    expect(room.listed('push')).toEqual([[1]]);
  });

  test('forgets what a scheduler that is gone waited with', () => {
    const room = TestRoom.started([onPush, hourly]);
    room.push();
    replace(room, [hourly]);
    room.advance(HOUR);
    replace(room, [hourly, onPush]);
    room.advance(HOUR);
    expect(room.built('push')).toEqual([]);
  });

  test('that is taken back in its turn changes nothing', () => {
    const room = TestRoom.started([onPush]);
    room.push();
    const before = room.config.site;
    expect(() =>
      room.core.turn(() => {
        room.config.replace(siteOf([hourly]));
        throw new Error('no');
      }),
    ).toThrow('no');
    replace(room, before.schedulers);
    room.advance(HOUR);
    expect(room.listed()).toEqual([[1]]);
  });
});

describe('an awakening that fails for a reason of ours', () => {
  test('is logged, leaves nothing behind and is tried again', () => {
    const room = TestRoom.started([periodicScheduler({ name: 'p', builders: [linux], every: '1d' })]);
    let isFull = true;
    room.buildsets.requested.on(() => {
      if (isFull) throw new Error('database or disk is full');
    });
    room.advance(0);
    expect(room.built()).toEqual([]);
    expect(room.errors).toEqual([
      { fields: expect.objectContaining({ scheduler: 'p' }), message: expect.stringContaining('tries again') },
    ]);
    isFull = false;
    room.advance(MINUTE);
    expect(room.built()).toHaveLength(1);
    room.advance(HOUR);
    expect(room.built()).toHaveLength(1);
  });
});

describe('changes', () => {
  test('that the schedulers could not look at are not accepted', () => {
    const room = TestRoom.started([
      singleBranchScheduler({ name: 's', builders: [linux], changes: { branch: 'main' } }),
    ]);
    room.buildsets.requested.on(() => {
      throw new Error('database or disk is full');
    });
    expect(() => room.push()).toThrow('full');
    expect(room.changes.view(1)).toBeNull();
  });

  test('are shown as the API defines them', () => {
    const room = TestRoom.started([]);
    expect(changeSchema.parse(room.change(room.push({ revision: 'r1' }))).revision).toBe('r1');
  });
});
