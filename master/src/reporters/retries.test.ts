import { describe, expect, test } from 'vitest';
import { decide, type Failed, LONGEST_WAIT_MS, MOST_PAUSE_MS, MOST_TRIES } from './retries.ts';

const failed: Failed = { code: 'failed', message: '451 later', tries: 1, waitedMs: 0, failuresInRow: 1, chance: 0.999 };

describe('a report that has not arrived', () => {
  test('is given up at once where it was refused, and says by what words', () => {
    expect(decide({ ...failed, code: 'refused', message: '550 no such user' })).toEqual({
      givenUp: 'refused: 550 no such user',
    });
  });

  test('is tried so many times where the server answers, and then given up with their number', () => {
    expect(decide({ ...failed, tries: MOST_TRIES - 1, waitedMs: 2 * LONGEST_WAIT_MS })).toHaveProperty('pauseMs');
    expect(decide({ ...failed, tries: MOST_TRIES, waitedMs: 7_200_000 })).toEqual({
      givenUp: `given up after ${MOST_TRIES} tries in 2 h 00 m: 451 later`,
    });
  });

  test('waits for days where nothing gets through at all, however often that is tried', () => {
    const down = { ...failed, code: 'down', tries: 10_000 } as const;
    expect(decide({ ...down, waitedMs: LONGEST_WAIT_MS - 1 })).toHaveProperty('pauseMs');
    expect(decide({ ...down, waitedMs: LONGEST_WAIT_MS })).toHaveProperty('givenUp');
  });

  test('is tried again after pauses that double up to a bound, and are not the same for all', () => {
    const pause = (failuresInRow: number, chance: number) => {
      const decision = decide({ ...failed, failuresInRow, chance });
      return 'pauseMs' in decision ? decision.pauseMs : Number.NaN;
    };
    expect([1, 2, 3, 4].map((n) => pause(n, 0))).toEqual([1000, 2000, 4000, 8000]);
    expect(pause(1, 0.5)).toBe(1500);
    expect(pause(5000, 0.999_999)).toBeLessThanOrEqual(MOST_PAUSE_MS);
    expect(pause(5000, 0)).toBe(MOST_PAUSE_MS / 2);
  });
});
