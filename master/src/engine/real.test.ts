import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { realClock } from './real.ts';

const NOON = Date.UTC(2025, 5, 2, 12);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date', 'performance', 'setTimeout', 'clearTimeout'], now: NOON });
});
afterEach(() => vi.useRealTimers());

/** The machine's wall clock is set, as by an operator or a time server. */
const jump = (ms: number) => vi.setSystemTime(Date.now() + ms);

describe('a duration', () => {
  test.each([-HOUR, HOUR])('takes as long as it takes when the wall clock jumps by %d ms', (ms) => {
    const called = vi.fn();
    realClock.after(10 * MINUTE, called);
    vi.advanceTimersByTime(5 * MINUTE);
    jump(ms);
    vi.advanceTimersByTime(5 * MINUTE - 1);
    expect(called).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(called).toHaveBeenCalledTimes(1);
  });

  test('of none is over at the next turn of the loop, and one that was called off never is', () => {
    const [none, off] = [vi.fn(), vi.fn()];
    realClock.after(-5, none);
    realClock.after(100, off).cancel();
    expect(none).not.toHaveBeenCalled();
    vi.advanceTimersByTime(200);
    expect([none.mock.calls.length, off.mock.calls.length]).toEqual([1, 0]);
  });

  test('longer than setTimeout can count is waited for in full', () => {
    const called = vi.fn();
    realClock.after(40 * 24 * HOUR, called);
    vi.advanceTimersByTime(40 * 24 * HOUR - 1);
    expect(called).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(called).toHaveBeenCalledTimes(1);
  });
});

describe('a time of the wall clock', () => {
  test('does not come early when the clock is put back', () => {
    const called = vi.fn();
    realClock.at(NOON + 10 * MINUTE, called);
    jump(-HOUR);
    vi.advanceTimersByTime(HOUR);
    expect(called).not.toHaveBeenCalled();
    vi.advanceTimersByTime(10 * MINUTE);
    expect(called).toHaveBeenCalledTimes(1);
    expect(Date.now()).toBe(NOON + 10 * MINUTE);
  });

  test('that a jump forward has passed comes within half a minute', () => {
    const called = vi.fn();
    realClock.at(NOON + 2 * HOUR, called);
    vi.advanceTimersByTime(MINUTE);
    jump(3 * HOUR);
    vi.advanceTimersByTime(30_000);
    expect(called).toHaveBeenCalledTimes(1);
  });
});
