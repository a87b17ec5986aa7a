import { describe, expect, test } from 'vitest';
import { durationSchema, parseDuration, positiveDurationSchema } from './durations.ts';

describe('a duration', () => {
  test.each([
    [0, 0],
    [1500, 1500],
    [1.4, 1],
    ['500ms', 500],
    ['20s', 20_000],
    ['15m', 900_000],
    ['1.5h', 5_400_000],
    ['2d', 172_800_000],
    [' 3 s ', 3000],
    ['365d', 31_536_000_000],
  ])('%j is %d ms', (value, ms) => {
    expect(parseDuration(value)).toBe(ms);
    expect(durationSchema.parse(value)).toBe(ms);
  });

  test.each([
    [-1],
    ['-5s'],
    [Number.NaN],
    [Number.POSITIVE_INFINITY],
    ['5'],
    [''],
    ['s'],
    ['5 weeks'],
    ['1e3s'],
    ['5M'],
    ['1h30m'],
    ['366d'],
    ['99999999999999d'],
    [true],
    [null],
    [{}],
  ])('is not %j, which is told with an example', (value) => {
    expect(durationSchema.safeParse(value).error?.issues.map(({ message }) => message)).toEqual([
      "must be milliseconds or a number with a unit such as '20s', '15m', '4h', and at most 365 days",
    ]);
  });

  test('may have to be more than zero, also after rounding', () => {
    expect(positiveDurationSchema.safeParse('1ms').success).toBe(true);
    for (const value of [0, '0s', '0.1ms'])
      expect(positiveDurationSchema.safeParse(value).error?.issues[0]?.message).toBe('must be more than zero');
  });
});
