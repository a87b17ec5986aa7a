import type { FormField } from '@icefall/shared';
import { expect, test } from 'vitest';
import { initialValues, problemsOf, toRequest } from './values.ts';

const common = (name: string, required = false) => ({ name, label: name, tooltip: '', required });
const fields: FormField[] = [
  { type: 'text', ...common('variant', true), default: 'v1', pattern: '[a-z]+|v\\d+', maxLength: 5 },
  { type: 'boolean', ...common('nightly'), default: false },
  { type: 'fixed', ...common('svnonly'), value: true },
  {
    type: 'group',
    ...common('limits'),
    layout: 'horizontal',
    fields: [{ type: 'integer', ...common('cpus'), default: 4, min: 1, max: 64 }],
  },
  {
    type: 'group',
    ...common(''),
    layout: 'tabs',
    fields: [
      {
        type: 'choice',
        ...common('suites'),
        default: ['unit'],
        choices: ['unit', 'physics'],
        multiple: true,
        strict: true,
      },
      {
        type: 'codebase',
        ...common('scripts'),
        codebase: '',
        default: { repository: 'r', branch: 'main', revision: '', project: '' },
        shown: ['branch', 'revision'],
      },
    ],
  },
];

test('a form begins with its defaults, and asks nothing about fixed values', () => {
  expect(initialValues(fields)).toEqual({
    variant: 'v1',
    nightly: false,
    'limits.cpus': '4',
    suites: ['unit'],
    'scripts.branch': 'main',
    'scripts.revision': '',
  });
});

test('what was filled in the last time comes back where it still fits', () => {
  const values = initialValues(fields, {
    variant: 'v2',
    nightly: 'yes',
    suites: ['gone'],
    'limits.cpus': '8',
    other: 'x',
  });
  expect(values).toMatchObject({ variant: 'v2', nightly: false, suites: ['unit'], 'limits.cpus': '8' });
  expect(values).not.toHaveProperty('other');
});

test('named groups are sent as objects, unnamed ones only set their fields together', () => {
  expect(toRequest(fields, { ...initialValues(fields), 'limits.cpus': ' 12 ' })).toEqual({
    variant: 'v1',
    nightly: false,
    limits: { cpus: 12 },
    suites: ['unit'],
    scripts: { branch: 'main', revision: '' },
  });
});

test('a blank number is null, and what is no number is left to the master to refuse', () => {
  const sent = (cpus: string) => toRequest(fields, { ...initialValues(fields), 'limits.cpus': cpus }).limits;
  expect(sent('')).toEqual({ cpus: null });
  expect(sent('many')).toEqual({ cpus: 'many' });
});

test('mistakes are told at their fields', () => {
  const problems = (values: object) => problemsOf(fields, { ...initialValues(fields), ...values });
  expect(problems({})).toEqual({});
  expect(problems({ variant: ' ' })).toEqual({ variant: 'is required' });
  expect(problems({ variant: 'abcdef' }).variant).toContain('at most 5');
  expect(problems({ variant: 'a1' }).variant).toContain('pattern');
  expect(problems({ 'limits.cpus': '65' })).toEqual({ 'limits.cpus': 'must be at most 64' });
  expect(problems({ 'limits.cpus': '1.5' })).toEqual({ 'limits.cpus': 'must be a whole number' });
});
