import type { FormField } from '@icefall/shared';
import { describe, expect, test } from 'vitest';
import { formValues } from './form-values.ts';

const common = { label: '', tooltip: '', required: false };
const fields: FormField[] = [
  { ...common, type: 'text', name: 'title', default: '', pattern: null, maxLength: null },
  { ...common, type: 'text', name: 'with.dot', default: '', pattern: null, maxLength: null },
  { ...common, type: 'boolean', name: 'fast', default: false },
  { ...common, type: 'choice', name: 'platforms', default: [], choices: ['a', 'b'], multiple: true, strict: true },
  { ...common, type: 'fixed', name: 'level', value: { x: 1 } },
  {
    ...common,
    type: 'group',
    name: '',
    layout: 'vertical',
    fields: [{ ...common, type: 'integer', name: 'jobs', default: null, min: null, max: null }],
  },
  {
    ...common,
    type: 'group',
    name: 'outer',
    layout: 'tabs',
    fields: [
      {
        ...common,
        type: 'group',
        name: 'inner',
        layout: 'tabs',
        fields: [{ ...common, type: 'integer', name: 'n', default: null, min: null, max: null }],
      },
      { ...common, type: 'boolean', name: 'on', default: false },
    ],
  },
  {
    ...common,
    type: 'codebase',
    name: 'codebase',
    codebase: '',
    default: { repository: '', branch: '', revision: '', project: '' },
    shown: ['branch'],
  },
];

describe('values of a form from the command line', () => {
  test('are typed as their fields are', () => {
    expect(
      formValues(fields, [
        'title=a=b',
        'with.dot=x',
        'fast=Yes',
        'platforms=a',
        'platforms=b',
        'jobs=04',
        'level={"x":1}',
      ]),
    ).toEqual({ title: 'a=b', 'with.dot': 'x', fast: true, platforms: ['a', 'b'], jobs: 4, level: { x: 1 } });
  });

  test('go into groups and code bases by a dot', () => {
    expect(
      formValues(fields, ['outer.inner.n=3', 'outer.on=off', 'codebase.branch=main', 'codebase.revision=1']),
    ).toEqual({
      outer: { inner: { n: 3 }, on: false },
      codebase: { branch: 'main', revision: '1' },
    });
  });

  test('stay text where they cannot be typed, so that the master tells all mistakes at once', () => {
    expect(formValues(fields, ['jobs=many', 'fast=maybe', 'unknown=1', 'unknown.n=1', '__proto__=1'])).toEqual(
      JSON.parse('{"jobs":"many","fast":"maybe","unknown":"1","unknown.n":"1","__proto__":"1"}'),
    );
  });

  test.each(['jobs', '=4', ''])('%j is a mistake', (pair) => {
    expect(() => formValues(fields, [pair])).toThrow(/--set takes name=value/);
  });
});
