import { describe, expect, test } from 'vitest';
import { VirtualClock } from './virtual-clock.ts';

describe('the virtual clock', () => {
  test('calls timers back in order of their times, those of one time in order of setting', () => {
    const clock = new VirtualClock(100);
    const calls: string[] = [];
    const note = (name: string) => () => calls.push(`${name} ${clock.now()}`);
    clock.at(130, note('c'));
    clock.at(110, note('a'));
    clock.at(130, note('d'));
    clock.at(120, note('b'));
    clock.at(131, note('later'));
    clock.advance(30);
    expect(calls).toEqual(['a 110', 'b 120', 'c 130', 'd 130']);
    expect(clock.now()).toBe(130);
    expect(clock.nextAt()).toBe(131);
  });

  test('runs timers that are set on the way, and none that was cancelled', () => {
    const clock = new VirtualClock();
    const calls: number[] = [];
    const again = () => {
      calls.push(clock.now());
      clock.at(clock.now() + 10, again);
    };
    clock.at(10, again);
    const cancelled = clock.at(15, () => calls.push(-1));
    clock.at(12, () => cancelled.cancel());
    clock.runUntil(35);
    expect(calls).toEqual([10, 20, 30]);
  });

  test('calls a time that has passed at the next step, without going back', () => {
    const clock = new VirtualClock(1000);
    const calls: number[] = [];
    clock.at(5, () => calls.push(clock.now()));
    expect(calls).toEqual([]);
    clock.advance(0);
    expect(calls).toEqual([1000]);
  });

  test('jumps without calling anybody', () => {
    const clock = new VirtualClock(1000);
    const calls: number[] = [];
    clock.at(1500, () => calls.push(clock.now()));
    clock.jumpTo(200);
    clock.advance(800);
    expect(calls).toEqual([]);
    clock.jumpTo(2000);
    expect(calls).toEqual([]);
    clock.advance(0);
    expect(calls).toEqual([2000]);
  });

  test('keeps a thousand timers in order whatever order they were set in', () => {
    const clock = new VirtualClock();
    const times = Array.from({ length: 1000 }, (_, i) => (i * 7919) % 1000);
    const calls: number[] = [];
    for (const time of times) clock.at(time, () => calls.push(time));
    clock.runUntil(1000);
    expect(calls).toEqual([...times].sort((a, b) => a - b));
  });

  test('that is set anew moves what waits for a duration along, and leaves what waits for a time where it is', () => {
    const clock = new VirtualClock(1000);
    const calls: string[] = [];
    clock.after(100, () => calls.push(`duration at ${clock.now()}`));
    clock.at(1100, () => calls.push(`time at ${clock.now()}`));
    clock.jumpTo(500);
    clock.advance(100);
    expect(calls).toEqual(['duration at 600']);
    expect(clock.monotonic()).toBe(1100);
    clock.advance(500);
    expect(calls).toEqual(['duration at 600', 'time at 1100']);
  });

  test('that stalls lets time pass and calls what is due afterwards', () => {
    const clock = new VirtualClock();
    const calls: number[] = [];
    clock.after(10, () => calls.push(clock.now()));
    clock.stall(50);
    expect(calls).toEqual([]);
    clock.advance(0);
    expect(calls).toEqual([50]);
  });
});
