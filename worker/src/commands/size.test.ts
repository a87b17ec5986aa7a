import { expect, it } from 'vitest';
import { succeeded } from './context.ts';
import { fitIntoMessage } from './size.ts';

it('leaves alone what fits', () => {
  const end = succeeded({ stdout: 'x'.repeat(100) });
  expect(fitIntoMessage(end, 1000)).toBe(end);
});

it('cuts captured output until it fits, the longer stream first, whatever JSON makes of it', () => {
  const end = succeeded({ stdout: '\u0001'.repeat(400), stderr: 'short' });
  const { values, exitCode } = fitIntoMessage(end, 1000);
  expect(JSON.stringify(values).length).toBeLessThanOrEqual(1000);
  expect([exitCode, values.stderr]).toEqual([0, 'short']);
});

it('fails rather than to cut anything else', () => {
  expect(fitIntoMessage(succeeded({ text: 'x'.repeat(2000) }), 1000)).toMatchObject({
    exitCode: 1,
    error: { code: 'too_large' },
    values: {},
  });
});
