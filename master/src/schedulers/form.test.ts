import type { Json } from '@icefall/shared';
import { describe, expect, test } from 'vitest';
import {
  booleanField,
  choiceField,
  codebaseField,
  type FieldDeclaration,
  fixedField,
  groupField,
  integerField,
  multilineField,
  textField,
  userField,
} from '../config/fields.ts';
import { fillForm } from './form.ts';
import { siteOf } from './test-room.ts';

const { validation } = siteOf([]);
const fill = (fields: readonly FieldDeclaration[], values: Json, codebases = {}) =>
  fillForm(
    fields.map(({ field }) => field),
    values,
    { validation, codebases },
  );

/** What one field makes of a value: the value, or the mistake. `undefined`: nothing was posted. */
function one(field: FieldDeclaration, posted: Json | undefined): unknown {
  const filled = fill([field], posted === undefined ? {} : { x: posted });
  return filled.errors.x ?? filled.properties.x;
}

const name = 'x';

describe('a text', () => {
  test('is taken as it is; blank or absent, it is the default', () => {
    const field = textField({ name, default: 'd' });
    expect([one(field, ' a b '), one(field, ''), one(field, '  '), one(field, undefined)]).toEqual([
      ' a b ',
      'd',
      'd',
      'd',
    ]);
    expect(one(textField({ name }), undefined)).toBe('');
  });

  test('must match the pattern as a whole, with every alternative', () => {
    const field = textField({ name, pattern: 'v[0-9]+|tip' });
    expect([one(field, 'v12'), one(field, 'tip')]).toEqual(['v12', 'tip']);
    for (const bad of ['v12x', 'xv12', 'tips', 'tip v1', 'v1\n'])
      expect(one(field, bad)).toMatch(/does not match the pattern|one line/);
    expect(one(textField({ name, pattern: '[a-z]+' }), '')).toBe('');
  });

  test('has at most so many characters, on one line', () => {
    const field = textField({ name, maxLength: 3 });
    expect(one(field, 'abc')).toBe('abc');
    expect(one(field, 'abcd')).toBe('must have at most 3 characters, it has 4');
    expect(one(field, 'a\nb')).toBe('must be one line');
    expect(one(textField({ name }), 'x'.repeat(100_001))).toMatch(/at most 100000/);
  });

  test.each([[5], [true], [['a']], [{ a: 1 }]])('is not %j', (bad) => {
    expect(one(textField({ name }), bad)).toBe('must be text');
  });

  test('that is required must be there, and not be removed even if there is a default', () => {
    expect(one(textField({ name, required: true }), undefined)).toBe('is required');
    expect(one(textField({ name, required: true }), ' ')).toBe('is required');
    expect(one(textField({ name, required: true, default: 'd' }), undefined)).toBe('d');
    expect(one(textField({ name, required: true, default: 'd' }), '')).toBe('is required');
    expect(one(textField({ name, required: true }), 'a')).toBe('a');
  });
});

test('a text of several lines keeps them, up to its length', () => {
  const field = multilineField({ name, default: 'd', maxLength: 5 });
  expect([one(field, 'a\nb\n'), one(field, '\n')]).toEqual(['a\nb\n', 'd']);
  expect(one(field, 'a\nb\nc\n')).toMatch(/at most 5/);
});

describe('a whole number', () => {
  const field = integerField({ name, default: 4, min: 1, max: 8 });

  test.each<[Json | undefined, unknown]>([
    [3, 3],
    ['3', 3],
    [' 8 ', 8],
    ['', 4],
    [undefined, 4],
    [0, 'must be at least 1, it is 0'],
    ['9', 'must be at most 8, it is 9'],
    [2.5, 'must be a whole number'],
    ['3x', 'must be a whole number'],
    ['0x3', 'must be a whole number'],
    [true, 'must be a whole number'],
    ['99999999999999999999', 'must be a whole number'],
  ])('of %j is %j', (posted, expected) => {
    expect(one(field, posted)).toBe(expected);
  });

  test('may be negative or zero, and is not set without value and default', () => {
    expect([one(integerField({ name }), '-3'), one(integerField({ name }), 0)]).toEqual([-3, 0]);
    expect(fill([integerField({ name })], {}).properties).toEqual({});
    expect(one(integerField({ name, required: true }), '')).toBe('is required');
  });
});

test.each<[Json | undefined, unknown]>([
  [true, true],
  [false, false],
  ['true', true],
  ['false', false],
  [undefined, true],
  ['yes', 'must be true or false'],
  [1, 'must be true or false'],
])('a yes-or-no field of %j is %j', (posted, expected) => {
  expect(one(booleanField({ name, default: true }), posted)).toBe(expected);
});

describe('a choice', () => {
  const choices = ['a', 'b', 'c'];

  test('is one of them', () => {
    const field = choiceField({ name, choices });
    expect([one(field, 'b'), one(field, undefined), one(field, ['c'])]).toEqual(['b', 'a', 'c']);
    expect(one(field, 'd')).toBe('"d" is not one of a, b, c');
    expect(one(field, ['a', 'b'])).toBe('takes one choice only');
    expect(one(field, 3)).toBe('must be text');
  });

  test('that is not strict may be another text, but must be text', () => {
    const field = choiceField({ name, choices, strict: false });
    expect(one(field, 'd')).toBe('d');
    expect(one(field, { a: 1 })).toBe('must be text');
  });

  test('of several is a list, each once', () => {
    const field = choiceField({ name, choices, multiple: true, default: ['c'] });
    expect([one(field, ['a', 'b', 'a']), one(field, 'b'), one(field, []), one(field, undefined)]).toEqual([
      ['a', 'b'],
      ['b'],
      ['c'],
      ['c'],
    ]);
    expect(one(field, ['a', 'd'])).toBe('"d" is not one of a, b, c');
    expect(one(choiceField({ name, choices, multiple: true }), undefined)).toEqual([]);
    expect(one(choiceField({ name, choices, multiple: true, required: true }), [])).toBe('is required');
  });
});

test('a fixed value cannot be changed; the same value may be sent', () => {
  const field = fixedField({ name, value: { a: [1] } });
  expect(one(field, undefined)).toEqual({ a: [1] });
  expect(one(field, { a: [1] })).toEqual({ a: [1] });
  expect(one(field, { a: [2] })).toBe('is {"a":[1]} and cannot be changed');
  expect(one(field, null)).toMatch(/cannot be changed/);
});

describe('a person', () => {
  test('may be any name', () => {
    expect(one(userField({ name }), 'Ada')).toBe('Ada');
  });

  test.each([
    ['Build master <ada@example.org>', true],
    ['Ada <ada>', false],
    ['ada@example.org', false],
    ['<ada@example.org>', false],
    ['Ada <ada@example.org> x', false],
    ['Ada <a@b@c>', false],
  ])('%s has a mail address: %s', (posted, isGood) => {
    const field = userField({ name, needEmail: true });
    expect(one(field, posted)).toBe(isGood ? posted : 'must look like Name <user@host>');
  });
});

describe('a code base', () => {
  const code = codebaseField({ repository: 'default.git', branch: 'main', project: 'p' });
  const stamp = { codebase: '', repository: 'default.git', branch: 'main', revision: null, project: 'p' };

  test('is a source stamp, not a property', () => {
    const filled = fill([code], { codebase: { branch: 'next', revision: 'abc123' } });
    expect(filled).toEqual({
      errors: {},
      properties: {},
      sourceStamps: [{ ...stamp, branch: 'next', revision: 'abc123' }],
    });
  });

  test('has its defaults for blank and absent parts', () => {
    expect(fill([code], {}).sourceStamps).toEqual([stamp]);
    expect(fill([code], { codebase: { branch: ' ', revision: '' } }).sourceStamps).toEqual([stamp]);
  });

  test("has the scheduler's defaults where it has none of its own", () => {
    const field = codebaseField({ codebase: 'lib', branch: 'own' });
    const codebases = { lib: { repository: 'lib.git', branch: 'weaker', revision: 'r9' } };
    expect(fill([field], {}, codebases).sourceStamps).toEqual([
      { codebase: 'lib', repository: 'lib.git', branch: 'own', revision: 'r9', project: '' },
    ]);
  });

  test.each([
    ['branch', '--upload-pack=evil'],
    ['branch', 'a b'],
    ['branch', '$(id)'],
    ['revision', 'HEAD; id'],
    ['revision', '-x'],
  ])("refuses a %s of %j by the site's validation", (part, value) => {
    const filled = fill([code], { codebase: { [part]: value } });
    expect(filled.errors).toEqual({ [`codebase.${part}`]: expect.stringContaining('validation') });
  });

  test('refuses an address that Git would take for an option', () => {
    const field = codebaseField({ shown: ['repository'] });
    expect(Object.keys(fill([field], { codebase: { repository: '--exec=id' } }).errors)).toEqual([
      'codebase.repository',
    ]);
  });

  test('keeps parts that are not shown', () => {
    expect(fill([code], { codebase: { repository: 'evil.git' } }).errors).toEqual({
      'codebase.repository': 'cannot be changed',
    });
    expect(fill([code], { codebase: { repository: 'default.git' } }).errors).toEqual({});
  });

  test('refuses what is no part of it, and what is no object', () => {
    expect(fill([code], { codebase: { patch: 'x' } }).errors).toEqual({
      'codebase.patch': 'is not a part of a code base',
    });
    expect(Object.keys(fill([code], { codebase: 'main' }).errors)).toEqual(['codebase']);
    expect(fill([code], { codebase: { branch: 5 } }).errors).toEqual({ 'codebase.branch': 'must be text' });
  });

  test('that is required needs a branch or a revision', () => {
    const field = codebaseField({ required: true });
    expect(fill([field], {}).errors).toEqual({ codebase: 'needs a branch or a revision' });
    expect(fill([field], { codebase: { revision: 'abc' } }).errors).toEqual({});
  });
});

describe('a group', () => {
  const fields = [textField({ name: 'a', default: 'A' }), integerField({ name: 'b', max: 5 })];

  test('with a name is one property, an object', () => {
    const group = groupField({ name: 'g', fields });
    expect(fill([group], { g: { b: 3 } }).properties).toEqual({ g: { a: 'A', b: 3 } });
    expect(fill([group], {}).properties).toEqual({ g: { a: 'A' } });
    expect(fill([group], { g: { b: 6 } }).errors).toEqual({ 'g.b': 'must be at most 5, it is 6' });
    expect(fill([group], { g: 'x' }).errors).toEqual({ g: 'must be an object of values by name' });
  });

  test('without a name only sets its fields together', () => {
    const group = groupField({ fields: [...fields, groupField({ fields: [booleanField({ name: 'c' })] })] });
    expect(fill([group], { b: 3, c: true }).properties).toEqual({ a: 'A', b: 3, c: true });
  });

  test('may hold another, and a code base', () => {
    const group = groupField({
      name: 'g',
      fields: [groupField({ name: 'h', fields }), codebaseField({ codebase: 'lib', repository: 'l' })],
    });
    const filled = fill([group], { g: { h: { a: 'x' }, codebase_lib: { branch: 'b' } } });
    expect(filled.properties).toEqual({ g: { h: { a: 'x' } } });
    expect(filled.sourceStamps).toMatchObject([{ codebase: 'lib', branch: 'b' }]);
    expect(fill([group], { g: { h: { b: 9 }, codebase_lib: { branch: '-' } } }).errors).toMatchObject({
      'g.h.b': expect.anything(),
      'g.codebase_lib.branch': expect.anything(),
    });
  });
});

describe('a form', () => {
  test('tells all mistakes at once', () => {
    const fields = [
      textField({ name: 'a', required: true }),
      integerField({ name: 'b' }),
      groupField({ name: 'g', fields: [booleanField({ name: 'c' })] }),
    ];
    expect(Object.keys(fill(fields, { b: 'x', g: { c: 'x', d: 1 }, other: 1 }).errors).sort()).toEqual([
      'a',
      'b',
      'g.c',
      'g.d',
      'other',
    ]);
  });

  test.each(['__proto__', 'constructor', 'toString'])('refuses a parameter named %s as any other it has not', (odd) => {
    const values: Json = JSON.parse(`{ "a": "x", "${odd}": { "b": 1 } }`);
    const filled = fill([textField({ name: 'a' })], values);
    expect(Object.entries(filled.errors)).toEqual([[odd, 'is not a parameter of this form']]);
    expect(Object.keys(filled.properties)).toEqual(['a']);
  });
});
