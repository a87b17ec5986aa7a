import { expect, test } from 'vitest';
import { parseJson } from './text.ts';

test('characters that turn the direction of writing are shown, other text is as it was', () => {
  const value = { 'a\u202eb': ['gpj.\u2066exe', 'שלום', 'naïve ✓'] };
  expect(parseJson(JSON.stringify(value))).toEqual({ 'a\ufffdb': ['gpj.\ufffdexe', 'שלום', 'naïve ✓'] });
});
