import { describe, expect, test } from 'vitest';
import { afterChange, dueGroups, firstDue, repaired, without } from './stable-timer.ts';

const time = { now: 100, delayMs: 50 };

describe('tree-stable timers', () => {
  test('an important change starts its timer, and starts it anew', () => {
    expect(afterChange({}, 'a', true, time)).toEqual({ a: 150 });
    expect(afterChange({ a: 110 }, 'a', true, time)).toEqual({ a: 150 });
  });

  test('an unimportant change prolongs a running timer and never starts one', () => {
    expect(afterChange({}, 'a', false, time)).toEqual({});
    expect(afterChange({ a: 110 }, 'a', false, time)).toEqual({ a: 150 });
  });

  test('groups have timers of their own', () => {
    expect(afterChange({ a: 110 }, 'b', true, time)).toEqual({ a: 110, b: 150 });
    expect(afterChange({ a: 110 }, 'b', false, time)).toEqual({ a: 110 });
  });

  test('the first one due is known, and those due come in order', () => {
    const timers = { a: 120, b: 90, c: 100 };
    expect(firstDue(timers)).toBe(90);
    expect(firstDue({})).toBeNull();
    expect(dueGroups(timers, 100)).toEqual(['b', 'c']);
    expect(without(timers, ['b', 'c'])).toEqual({ a: 120 });
  });

  test('are set right to one for each group with an important change', () => {
    expect(repaired({ a: 120, gone: 90 }, new Set(['a', 'b']), 150)).toEqual({ a: 120, b: 150 });
  });
});
