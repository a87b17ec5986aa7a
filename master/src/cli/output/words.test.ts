import { describe, expect, test } from 'vitest';
import { buildOf } from '../testing/resources.ts';
import { buildStateCell, isGreen, relative, tookSince } from './words.ts';

describe('times in words', () => {
  test.each([
    [1_000_000, 'now'],
    [999_500, 'now'],
    [996_600, '3 s ago'],
    [800_000, '3 m 20 s ago'],
    [1_300_000, 'in 5 m 00 s'],
  ])('%i seen from 1000000 is %s', (at, expected) => expect(relative(at, 1_000_000)).toBe(expected));

  test('how long something took, or has been going on', () => {
    expect(tookSince(1000, 4000, 9000)).toBe('3.0 s');
    expect(tookSince(1000, null, 61_000)).toBe('1 m 00 s');
    expect(tookSince(null, null, 9000)).toBe('-');
    // The clocks of two machines differ.
    expect(tookSince(10_000, null, 9000)).toBe('0 ms');
  });
});

describe('results in words', () => {
  test('a build that runs shows what it does, one that has ended its result', () => {
    expect(buildStateCell(buildOf({ state: 'waiting', result: null })).text).toBe('waiting');
    expect(buildStateCell(buildOf({ state: 'finished', result: 'FAILURE' }))).toEqual({
      text: 'FAILURE',
      format: 'red',
    });
  });

  test('only SUCCESS and WARNINGS are green', () => {
    const green = (
      ['SUCCESS', 'WARNINGS', 'FAILURE', 'SKIPPED', 'EXCEPTION', 'RETRY', 'CANCELLED', null] as const
    ).filter(isGreen);
    expect(green).toEqual(['SUCCESS', 'WARNINGS']);
  });
});
