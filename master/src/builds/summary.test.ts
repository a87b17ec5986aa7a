import type { Result } from '@icefall/shared';
import { expect, test } from 'vitest';
import { buildSummary } from './summary.ts';

const step = (name: string, result: Result | null) => ({ name, result, summary: `${name} ended` });

test("a build's summary tells the step that decided its result first, the others in their order, and how many are left out", () => {
  expect(buildSummary([step('a', 'SUCCESS'), step('b', null), step('c', 'SKIPPED')], '')).toBe('');
  expect(buildSummary([step('a', 'FAILURE'), step('b', 'SUCCESS')], '')).toBe('a: a ended');
  expect(
    buildSummary(
      [step('a', 'WARNINGS'), step('b', 'FAILURE'), step('c', 'FAILURE'), step('d', 'RETRY')],
      'given up after 2 attempts',
    ),
  ).toBe('d: d ended; b: b ended; 2 more steps; given up after 2 attempts');
});
