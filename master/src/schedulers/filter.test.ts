import type { Change } from '@icefall/shared';
import { describe, expect, test } from 'vitest';
import { anyBranchScheduler, type ChangeFilter } from '../config/schedulers.ts';
import { answerOf, fits, mayConcern } from './filter.ts';
import { linux } from './test-room.ts';

const change: Change = {
  id: 1,
  author: 'a',
  committer: null,
  message: '',
  revision: 'r1',
  branch: 'release/1.2',
  repository: 'https://git.example.org/a.git',
  codebase: 'code',
  project: 'proj',
  category: null,
  files: [],
  link: null,
  commits: [],
  properties: {},
  source: 'sendchange',
  at: 0,
  receivedAt: 0,
};
const concerns = (changes: ChangeFilter, codebases = {}) =>
  mayConcern(anyBranchScheduler({ name: 's', builders: [linux], changes, codebases }), change);

describe('a condition on an attribute', () => {
  test.each([
    ['exactly the text', 'main', 'main', true],
    ['not a text that only begins like it', 'main', 'main2', false],
    ['null is the absence of a value, not any value', null, 'main', false],
    ['null fits null', null, null, true],
    ['a text does not fit null', 'main', null, false],
    ['one of a list', ['a', 'main'], 'main', true],
    ['a list may name null', ['a', null], null, true],
    ['none of a list', ['a', 'b'], 'main', false],
    ['a pattern found at the beginning', /rel/, 'release', true],
    ['not a pattern found later', /lease/, 'release', false],
    ['every alternative of a pattern only at the beginning', /x|lease/, 'release', false],
    ['a pattern need not go to the end', /release/, 'release/1', true],
    ['not at the beginning of a later line', /b/m, 'a\nb', false],
    ['a pattern never fits null', /.*/, null, false],
    ['flags of a pattern', /REL/i, 'release', true],
  ])('%s', (_title, matcher, value, expected) => {
    expect(fits(matcher, value)).toBe(expected);
  });

  test('gives the same answer each time for a pattern with the flag g', () => {
    const pattern = /rel/g;
    expect([fits(pattern, 'release'), fits(pattern, 'release'), fits(pattern, 'release')]).toEqual([true, true, true]);
  });
});

describe('a filter', () => {
  test('without conditions lets every change pass', () => {
    expect(concerns({})).toBe(true);
  });

  test.each<[keyof ChangeFilter, ChangeFilter, ChangeFilter]>([
    ['branch', { branch: /release\// }, { branch: 'main' }],
    ['repository', { repository: change.repository }, { repository: /http:/ }],
    ['project', { project: ['x', 'proj'] }, { project: 'x' }],
    ['codebase', { codebase: 'code' }, { codebase: '' }],
    ['category', { category: null }, { category: 'tag' }],
    ['notBranch', { notBranch: 'main' }, { notBranch: /release/ }],
  ])('looks at the %s', (_attribute, passing, failing) => {
    expect(concerns(passing)).toBe(true);
    expect(concerns(failing)).toBe(false);
  });

  test('needs all conditions to hold', () => {
    expect(concerns({ branch: /release/, project: 'proj' })).toBe(true);
    expect(concerns({ branch: /release/, project: 'other' })).toBe(false);
    expect(concerns({ branch: /release/, notBranch: 'release/1.2' })).toBe(false);
  });

  test('keeps changes of other code bases out once any are declared', () => {
    expect(concerns({}, { code: { repository: 'r' } })).toBe(true);
    expect(concerns({}, { other: { repository: 'r' } })).toBe(false);
  });
});

describe('a function of the site', () => {
  test('must answer true or false', () => {
    expect(answerOf(() => true, change, 'changes.where')).toBe(true);
    const async = (() => Promise.resolve(false)) as unknown as () => boolean;
    expect(() => answerOf(async, change, 'changes.where')).toThrow(/changes\.where.*promise.*must not be async/);
  });
});
