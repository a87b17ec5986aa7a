import type { ForceRequest } from '@icefall/shared';
import { schedulerSchema } from '@icefall/shared';
import { describe, expect, test } from 'vitest';
import { booleanField, codebaseField, fixedField, textField } from '../config/fields.ts';
import { forceScheduler } from '../config/schedulers.ts';
import { prop } from '../properties/references.ts';
import { FormError, SchedulerError } from './errors.ts';
import { docs, linux, TestRoom } from './test-room.ts';

const release = forceScheduler({
  name: 'release',
  label: 'Build a release',
  button: 'Go',
  builders: [linux, docs],
  priority: 5,
  codebases: { '': { repository: 'scripts.git', branch: 'main' } },
  properties: { variant: 'weak', path: prop('variant') },
  fields: [
    textField({ name: 'variant', required: true, pattern: '[a-z0-9.]+' }),
    booleanField({ name: 'nightly' }),
    fixedField({ name: 'svnonly', value: true }),
  ],
});

function force(room: TestRoom, request: Partial<ForceRequest> = {}, who: string | null = null) {
  return room.schedulers.force('release', { values: { variant: 'v1.0' }, ...request }, who);
}

/** The message for each field of a refused form. */
function mistakes(work: () => unknown): Readonly<Record<string, string>> {
  try {
    work();
  } catch (error) {
    if (error instanceof FormError) return error.fields;
    throw error;
  }
  throw new Error('the form was taken');
}

describe('a force scheduler', () => {
  test('starts its builders with the form as properties, over its own', () => {
    const room = TestRoom.started([release]);
    expect(force(room, { reason: 'why not', owner: 'Ada' })).toEqual({ buildsetId: 1, requestIds: [1, 2] });
    const source = 'Force: release';
    expect(room.built()[0]).toMatchObject({
      reason: 'why not',
      owner: 'Ada',
      changeIds: [],
      sourceStamps: [{ codebase: '', repository: 'scripts.git', branch: 'main', revision: null, project: '' }],
    });
    expect(room.built()[0]?.properties).toEqual({
      variant: { value: 'v1.0', source },
      path: { value: 'v1.0', source: 'Scheduler: release' },
      nightly: { value: false, source },
      svnonly: { value: true, source },
      reason: { value: 'why not', source },
      owner: { value: 'Ada', source },
    });
  });

  test('takes who is logged in for the owner, whatever name was given', () => {
    const room = TestRoom.started([release]);
    force(room, { owner: 'Eve' }, 'ada');
    expect(room.built()[0]).toMatchObject({ owner: 'ada', properties: { owner: { value: 'ada' } } });
  });

  test('has a reason and an owner also where nobody gave one', () => {
    const room = TestRoom.started([release]);
    force(room, { reason: '  ', owner: ' ' });
    expect(room.built()[0]).toMatchObject({
      reason: 'force',
      owner: null,
      properties: { reason: { value: 'force' }, owner: { value: '' } },
    });
  });

  test('starts only the builders asked for, if they are its own', () => {
    const room = TestRoom.started([release]);
    force(room, { builders: ['docs'] });
    const builder = () => room.core.db.all<{ builder: string }>('SELECT builder FROM requests').map((r) => r.builder);
    expect(builder()).toEqual(['docs']);
    expect(mistakes(() => force(room, { builders: ['docs', 'windows'] })).builders).toContain('windows');
    expect(mistakes(() => force(room, { builders: [] })).builders).toContain('at least one');
  });

  test('has its priority, or the one given', () => {
    const room = TestRoom.started([release]);
    force(room, { builders: ['linux'] });
    force(room, { builders: ['linux'], priority: -1 });
    expect(room.core.db.all('SELECT priority FROM requests ORDER BY id')).toEqual([{ priority: 5 }, { priority: -1 }]);
  });

  test('refuses a form with mistakes, all of them told, and starts nothing', () => {
    const room = TestRoom.started([release]);
    const told = mistakes(() => force(room, { builders: ['x'], values: { variant: 'A B', nightly: 'no', extra: 1 } }));
    expect(Object.keys(told).sort()).toEqual(['builders', 'extra', 'nightly', 'variant']);
    expect(mistakes(() => force(room, { values: { svnonly: false, variant: 'v' } }))).toEqual({
      svnonly: 'is true and cannot be changed',
    });
    expect(room.built()).toEqual([]);
  });

  test('builds the source that the form names', () => {
    const withSource = forceScheduler({
      name: 'release',
      builders: [linux],
      codebases: { '': { repository: 'scripts.git', branch: 'main' }, lib: { repository: 'lib.git' } },
      fields: [codebaseField({})],
    });
    const room = TestRoom.started([withSource]);
    force(room, { values: { codebase: { branch: 'next' } } });
    expect(room.built()[0]?.sourceStamps).toEqual([
      { codebase: '', repository: 'scripts.git', branch: 'next', revision: null, project: '' },
      { codebase: 'lib', repository: 'lib.git', branch: null, revision: null, project: '' },
    ]);
  });

  test('tells its caller that a property cannot be evaluated', () => {
    const bad = forceScheduler({ name: 'release', builders: [linux], properties: { a: prop('nowhere') } });
    const room = TestRoom.started([bad]);
    expect(() => force(room, { values: {} })).toThrow(
      expect.objectContaining({ code: 'bad_properties', message: expect.stringContaining('nowhere') }),
    );
    expect(room.built()).toEqual([]);
  });

  test('that is switched off refuses', () => {
    const room = TestRoom.started([release]);
    room.schedulers.setEnabled('release', false);
    expect(() => force(room)).toThrow(expect.objectContaining({ code: 'scheduler_disabled' }));
    expect(() => force(room)).toThrow(SchedulerError);
  });

  test('shows its form', () => {
    const room = TestRoom.started([release]);
    const view = schedulerSchema.parse(room.schedulers.view('release'));
    expect(view.form).toMatchObject({ label: 'Build a release', button: 'Go' });
    expect(view.form?.fields.map((field) => `${field.type} ${field.name}`)).toEqual([
      'text variant',
      'boolean nightly',
      'fixed svnonly',
    ]);
  });
});
