import { describe, expect, test } from 'vitest';
import { patientClock, RETRY_MS } from './patience.ts';
import { VirtualClock } from './virtual-clock.ts';

const quiet = { info() {}, warn() {}, error() {} };
const full = () => Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });

describe('a timer', () => {
  test('whose work the storage refuses is tried again until it is taken', () => {
    const time = new VirtualClock();
    const calls: number[] = [];
    patientClock(time, quiet).after(10, () => {
      calls.push(time.now());
      if (calls.length < 3) throw full();
    });
    time.advance(60_000);
    expect(calls).toEqual([10, 10 + RETRY_MS, 10 + 2 * RETRY_MS]);
  });

  test('can be called off while it waits to be tried again', () => {
    const time = new VirtualClock();
    let calls = 0;
    const timer = patientClock(time, quiet).at(10, () => {
      calls += 1;
      throw full();
    });
    time.advance(10);
    timer.cancel();
    time.advance(60_000);
    expect(calls).toBe(1);
  });

  test('does not hide a mistake of ours', () => {
    const time = new VirtualClock();
    patientClock(time, quiet).after(10, () => {
      throw new TypeError('oops');
    });
    expect(() => time.advance(10)).toThrow('oops');
  });
});
