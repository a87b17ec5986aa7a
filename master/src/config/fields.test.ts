import { describe, expect, test } from 'vitest';
import { mistakesIn, problemsOf } from '../steps/test-run.ts';
import {
  booleanField,
  choiceField,
  codebaseField,
  type FieldDeclaration,
  fixedField,
  groupField,
  integerField,
  multilineField,
  repeatedIn,
  textField,
  userField,
} from './fields.ts';
import { formatProblem } from './problems.ts';

type Declare = (options: never) => FieldDeclaration;
const name = 'x';
const choices = ['a', 'b'];

/** Every kind with what it needs, and the field that it makes of that. */
const KINDS: readonly [string, Declare, object, object][] = [
  ['text', textField, { name }, { default: '', pattern: null, maxLength: null }],
  ['multiline', multilineField, { name }, { default: '', maxLength: null }],
  ['integer', integerField, { name }, { default: null, min: null, max: null }],
  ['boolean', booleanField, { name }, { default: false }],
  ['choice', choiceField, { name, choices }, { default: 'a', choices, multiple: false, strict: true }],
  ['user', userField, { name }, { default: '', needEmail: false }],
  [
    'codebase',
    codebaseField,
    { name },
    {
      codebase: '',
      default: { repository: '', branch: '', revision: '', project: '' },
      shown: ['branch', 'revision'],
    },
  ],
];
const wrong = (declare: Declare, options: unknown) => problemsOf(() => declare(options as never)).map(formatProblem);

describe.each(KINDS)('a parameter of kind %s', (type, declare, needed, field) => {
  test('is labelled with its name and not required, unless told otherwise', () => {
    const base = { name, label: name, tooltip: '', required: false };
    expect(declare(needed as never).field).toEqual({ type, ...base, ...field });
    const common = { label: 'L', tooltip: 'T', required: true };
    expect(declare({ ...needed, ...common } as never).field).toMatchObject(common);
    expect(wrong(declare, { ...needed, ...common })).toEqual([]);
  });

  test.each([
    [{ name: 'a b' }, /parameter "a b": option "name": must begin with a letter/],
    [{ name: 'reason' }, /parameter "reason": option "name": must not be one of reason, owner, builders, priority/],
    [{ label: 5 }, /option "label"/],
    [{ tooltip: null }, /option "tooltip"/],
    [{ required: 'yes' }, /option "required": .* \(found "yes"\)/],
    [{ defualt: 'x' }, /"defualt"/],
  ])('tells %j at load with its place', (options, expected) => {
    const problems = wrong(declare, { ...needed, ...options });
    expect(problems).toEqual([expect.stringMatching(expected)]);
    expect(problems[0]).toMatch(/fields\.test\.ts:\d+: parameter/);
  });
});

test.each(KINDS.filter(([type]) => type !== 'codebase'))('a parameter of kind %s needs options', (_type, declare) => {
  for (const options of [undefined, null, 5]) expect(wrong(declare, options).length).toBeGreaterThan(0);
});

describe('options of one kind of parameter', () => {
  test.each<[Declare, object, RegExp | null]>([
    [textField, { default: 5 }, /option "default"/],
    [textField, { pattern: '(' }, /option "pattern": must be a regular expression \(found "\("\)/],
    [textField, { pattern: 'v[0-9]+', default: 'v1' }, null],
    [textField, { pattern: 'v[0-9]+', default: 'v1x' }, /the default "v1x" does not match the pattern v\[0-9\]\+/],
    [textField, { pattern: 'a|b', default: 'b' }, null],
    [textField, { pattern: 'a|b', default: 'bb' }, /the default "bb" does not match/],
    [textField, { pattern: 'a', default: '' }, null],
    [textField, { maxLength: 0 }, /option "maxLength"/],
    [textField, { maxLength: 2, default: 'abc' }, /the default is longer than 2/],
    [multilineField, { maxLength: 2, default: 'a\nb' }, /the default is longer than 2/],
    [multilineField, { pattern: 'a' }, /"pattern"/],
    [integerField, { default: 1.5 }, /option "default"/],
    [integerField, { default: '1' }, /option "default"/],
    [integerField, { min: 1, max: 3, default: 3 }, null],
    [integerField, { min: 1, max: 3, default: 0 }, /the default 0 is not from 1 to 3/],
    [integerField, { max: 3, default: 4 }, /the default 4 is not from any to 3/],
    [integerField, { min: 3, max: 1 }, /min 3 is above max 1/],
    [booleanField, { default: 'true' }, /option "default"/],
    [choiceField, { choices: [] }, /option "choices": must have at least one choice/],
    [choiceField, { choices: 'ab' }, /option "choices"/],
    [choiceField, { choices: undefined }, /option "choices"/],
    [choiceField, { choices, default: 'c' }, /the default \["c"\] is not among the choices/],
    [choiceField, { choices, default: 'c', strict: false }, null],
    [choiceField, { choices, default: ['a'] }, /a list as default needs multiple: true/],
    [choiceField, { choices, default: ['a', 'b'], multiple: true }, null],
    [choiceField, { choices, default: ['a', 'c', 'd'], multiple: true }, /the default \["c","d"\] is not among/],
    [userField, { needEmail: 1 }, /option "needEmail"/],
    [codebaseField, { shown: ['tag'] }, /option "shown.0"/],
    [codebaseField, { branch: null }, /option "branch"/],
  ])('(%#) are taken, or told at load', (declare, options, expected) => {
    expect(wrong(declare, { name, ...options })).toEqual(expected === null ? [] : [expect.stringMatching(expected)]);
  });

  test('that belong together are looked at although another is wrong', () => {
    expect(wrong(integerField, { name: 'a b', min: 3, max: 1 })).toHaveLength(2);
  });

  test('say what several may be chosen by default', () => {
    expect(choiceField({ name, choices, multiple: true }).field).toMatchObject({ default: [] });
    expect(choiceField({ name, choices, default: 'b' }).field).toMatchObject({ default: 'b' });
  });
});

describe('a fixed parameter', () => {
  test('has any value', () => {
    for (const value of [true, null, 0, ['a'], { a: 1 }])
      expect(fixedField({ name, value }).field).toMatchObject({ type: 'fixed', name, value });
  });

  test.each([
    [{ name }, /option "value": must be JSON/],
    [{ name, value: () => 1 }, /option "value": must be JSON/],
    [{ name, value: 1, label: 'L' }, /"label"/],
    [{ value: 1 }, /parameter: option "name"/],
  ])('tells %# at load', (options, expected) => {
    expect(wrong(fixedField, options)).toEqual([expect.stringMatching(expected)]);
  });
});

describe('a code base', () => {
  test('is named after itself', () => {
    expect(codebaseField({}).field.name).toBe('codebase');
    expect(codebaseField({ codebase: 'data', branch: 'main', shown: ['branch'] }).field).toMatchObject({
      name: 'codebase_data',
      codebase: 'data',
      default: { repository: '', branch: 'main', revision: '', project: '' },
      shown: ['branch'],
    });
  });
});

describe('a group of parameters', () => {
  const [a, b] = [textField({ name: 'a' }), textField({ name: 'b' })];

  test('stands one above the other, with or without a name', () => {
    expect(groupField({ fields: [a, b] }).field).toEqual({
      type: 'group',
      name: '',
      label: '',
      tooltip: '',
      required: false,
      layout: 'vertical',
      fields: [a.field, b.field],
    });
    expect(groupField({ name: 'g', label: 'G', layout: 'tabs', fields: [a] }).field).toMatchObject({
      name: 'g',
      label: 'G',
      layout: 'tabs',
    });
    expect(mistakesIn(() => groupField({ name: '', fields: [] }))).toEqual([]);
  });

  test.each([
    [{ name: 'a b', fields: [a] }, /parameter "a b": option "name"/],
    [{ name: 'owner', fields: [a] }, /option "name": must not be one of/],
    [{ layout: 'grid', fields: [a] }, /option "layout": .*"vertical"\|"horizontal"\|"tabs"/],
    [{ fields: ['a'] }, /option "fields.0": must be a field such as textField/],
    [{ fields: [undefined] }, /option "fields.0": must be a field/],
    [{}, /option "fields"/],
    [{ fields: [a], columns: 2 }, /"columns"/],
    [{ name: 'g', fields: [a, a] }, /parameter "g": two parameters are named "a"/],
    [{ name: 'g', fields: [a, groupField({ fields: [b, a] })] }, /parameter "g": two parameters are named "a"/],
  ])('tells %# at load', (options, expected) => {
    expect(wrong(groupField, options)).toEqual([expect.stringMatching(expected)]);
  });

  test('is looked through for what a form holds twice: unnamed groups for names, all for code bases', () => {
    const formOf = (...fields: FieldDeclaration[]) => repeatedIn(fields.map(({ field }) => field));
    expect(formOf(a, groupField({ name: 'g', fields: [a] }))).toEqual([]);
    expect(formOf(a, groupField({ fields: [groupField({ fields: [a] })] }))).toEqual(['two parameters are named "a"']);
    expect(formOf(a, groupField({ name: 'a', fields: [] }))).toEqual(['two parameters are named "a"']);
    expect(formOf(codebaseField({}), groupField({ name: 'g', fields: [codebaseField({ name: 'other' })] }))).toEqual([
      'two parameters are of code base ""',
    ]);
  });
});
