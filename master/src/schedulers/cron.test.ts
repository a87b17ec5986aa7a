import { describe, expect, test } from 'vitest';
import { nextOccurrence } from './cron.ts';

const ZURICH = 'Europe/Zurich';

/** The next occurrences after a time, in UTC. */
function occurrences(pattern: string, timeZone: string, after: string, count: number): string[] {
  const found: string[] = [];
  let at = Date.parse(after);
  for (let i = 0; i < count; i += 1) {
    const next = nextOccurrence(pattern, timeZone, at);
    if (next === null) break;
    found.push(new Date(next).toISOString().slice(5, 16));
    at = next;
  }
  return found;
}

describe('the next occurrence', () => {
  test('is in the zone of the pattern', () => {
    expect(occurrences('30 2 * * *', ZURICH, '2025-01-10T00:00Z', 2)).toEqual(['01-10T01:30', '01-11T01:30']);
    expect(occurrences('30 2 * * *', 'UTC', '2025-01-10T00:00Z', 1)).toEqual(['01-10T02:30']);
  });

  test('is after the time, not at it, to the millisecond', () => {
    const at = Date.parse('2025-01-10T01:30:00Z');
    expect(nextOccurrence('30 2 * * *', ZURICH, at - 1)).toBe(at);
    expect(nextOccurrence('30 2 * * *', ZURICH, at)).toBe(at + 24 * 3_600_000);
  });

  test('takes six fields with seconds first, names, ranges, last days and nth weekdays', () => {
    expect(occurrences('15 0 12 * * mon-fri', 'UTC', '2025-01-10T13:00Z', 1)).toEqual(['01-13T12:00']);
    expect(occurrences('0 0 L * *', 'UTC', '2025-02-01T00:00Z', 1)).toEqual(['02-28T00:00']);
    expect(occurrences('0 4 * * 1#1', 'UTC', '2025-06-02T05:00Z', 1)).toEqual(['07-07T04:00']);
  });

  test('never comes for a day that no month has', () => {
    expect(nextOccurrence('0 0 30 2 *', 'UTC', 0)).toBeNull();
  });
});

describe('when clocks go forward (Zurich, 30 March 2025, 02:00 to 03:00)', () => {
  const eve = '2025-03-29T12:00Z';

  test('a time that is left out comes when the gap ends, once', () => {
    expect(occurrences('30 2 * * *', ZURICH, eve, 3)).toEqual(['03-30T01:00', '03-31T00:30', '04-01T00:30']);
  });

  test('a list of fixed times loses none', () => {
    expect(occurrences('30 2,14 * * *', ZURICH, eve, 3)).toEqual(['03-29T13:30', '03-30T01:00', '03-30T12:30']);
  });

  test('an hourly pattern comes once an hour that really passes', () => {
    expect(occurrences('30 * * * *', ZURICH, '2025-03-29T23:45Z', 3)).toEqual([
      '03-30T00:30',
      '03-30T01:30',
      '03-30T02:30',
    ]);
  });
});

describe('when clocks go back (Zurich, 26 October 2025, 03:00 to 02:00)', () => {
  test('a time that comes twice counts the first time', () => {
    expect(occurrences('30 2 * * *', ZURICH, '2025-10-25T12:00Z', 2)).toEqual(['10-26T00:30', '10-27T01:30']);
    // Asked again between the two.
    expect(occurrences('30 2 * * *', ZURICH, '2025-10-26T00:45Z', 1)).toEqual(['10-27T01:30']);
    expect(occurrences('30 2,14 * * *', ZURICH, '2025-10-26T00:45Z', 1)).toEqual(['10-26T13:30']);
  });

  test('an hourly pattern comes once an hour that really passes', () => {
    expect(occurrences('30 * * * *', ZURICH, '2025-10-25T23:00Z', 4)).toEqual([
      '10-25T23:30',
      '10-26T00:30',
      '10-26T01:30',
      '10-26T02:30',
    ]);
  });

  test('a year of hours has as many as really pass, without a double', () => {
    const found = occurrences('0 * * * *', ZURICH, '2024-12-31T22:59Z', 365 * 24);
    expect(new Set(found).size).toBe(365 * 24);
    expect(found.at(-1)).toBe('12-31T22:00');
  });
});
