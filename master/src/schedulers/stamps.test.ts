import { describe, expect, test } from 'vitest';
import { completeStamps, stampsOfChanges } from './stamps.ts';
import { REPOSITORY, TestRoom } from './test-room.ts';

const room = TestRoom.started([]);
const first = room.change(room.push({ revision: 'r1', project: 'p' }));
const second = room.change(room.push({ revision: 'r2', project: 'p', branch: 'next' }));
const lib = room.change(room.push({ codebase: 'lib', repository: 'lib.git', revision: 'l1' }));

describe('the source of a buildset', () => {
  test('is that of the newest change of each code base, whatever order they come in', () => {
    const expected = [
      { codebase: '', repository: REPOSITORY, branch: 'next', revision: 'r2', project: 'p' },
      { codebase: 'lib', repository: 'lib.git', branch: 'main', revision: 'l1', project: '' },
    ];
    expect(stampsOfChanges([second, lib, first], {})).toEqual(expected);
    expect(stampsOfChanges([first, second, lib], {})).toEqual(expected);
  });

  test('is filled in by the declared code bases where no change came, at their tips', () => {
    const stamps = stampsOfChanges([lib], { '': { repository: 'main.git', branch: 'main' }, lib: { repository: 'x' } });
    expect(stamps).toEqual([
      { codebase: '', repository: 'main.git', branch: 'main', revision: null, project: '' },
      { codebase: 'lib', repository: 'lib.git', branch: 'main', revision: 'l1', project: '' },
    ]);
  });

  test('is nothing without changes and code bases', () => {
    expect(stampsOfChanges([], {})).toEqual([]);
  });

  test('keeps what was given for code bases that are not declared', () => {
    const given = { codebase: 'extra', repository: 'e', branch: null, revision: null, project: '' };
    expect(completeStamps([given], { '': { repository: 'm' } }).map((stamp) => stamp.codebase)).toEqual(['', 'extra']);
  });
});
