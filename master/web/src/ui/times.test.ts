import { expect, test } from 'vitest';
import { relativeTime, shortDuration } from './times.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

test('times are told as people say them', () => {
  expect(relativeTime(0, 500)).toBe('now');
  expect(relativeTime(0, 40_000)).toBe('40 s ago');
  expect(relativeTime(0, 5 * MINUTE)).toBe('5 m ago');
  expect(relativeTime(2 * HOUR + 5 * MINUTE, 0)).toBe('in 2 h 05 m');
  expect(relativeTime(0, 30 * HOUR)).toBe('30 h ago');
  expect(relativeTime(0, 72 * HOUR)).toBe('3 d ago');
});

test('durations in narrow boxes have at most two units', () => {
  expect([0, 4400, 59_900, 12 * MINUTE, 125 * MINUTE, 50 * HOUR].map(shortDuration)).toEqual([
    '0 s',
    '4 s',
    '1 m',
    '12 m',
    '2 h 05',
    '2 d 2 h',
  ]);
});
