import { describe, expect, it } from 'vitest';
import { ManualClock } from '../test-support/manual-clock.ts';
import { type Exceeded, type Limits, LimitWatch } from './limits.ts';

const none: Limits = { idleTimeoutMs: null, deadlineMs: null, maxTimeMs: null, maxLines: null };

function watch(limits: Partial<Limits>) {
  const clock = new ManualClock();
  const exceeded: Exceeded[] = [];
  const watching = new LimitWatch({ ...none, ...limits }, clock, (one) => exceeded.push(one));
  return { clock, exceeded, watching };
}

const lines = (text: string) => Buffer.from(text);

describe('the idle limit', () => {
  it('ends what was silent for too long', () => {
    const { clock, exceeded } = watch({ idleTimeoutMs: 1000 });
    clock.advance(999);
    expect(exceeded).toEqual([]);
    clock.advance(1);
    expect(exceeded).toEqual([{ reason: 'idleTimeout', message: 'wrote nothing for 1.0 s' }]);
  });

  it('begins anew with every sign of life', () => {
    const { clock, exceeded, watching } = watch({ idleTimeoutMs: 1000 });
    for (let i = 0; i < 10; i += 1) {
      clock.advance(900);
      watching.sign();
    }
    expect(exceeded).toEqual([]);
    clock.advance(1000);
    expect(exceeded).toHaveLength(1);
  });

  it('does not count while the output is not taken', () => {
    const { clock, exceeded, watching } = watch({ idleTimeoutMs: 1000 });
    watching.holdUp();
    clock.advance(60_000);
    watching.goOn();
    clock.advance(999);
    expect(exceeded).toEqual([]);
    clock.advance(1000);
    expect(exceeded).toHaveLength(1);
  });
});

it('ends what takes too long, however much it writes', () => {
  const { clock, exceeded, watching } = watch({ deadlineMs: new ManualClock().monotonic() + 5000, maxTimeMs: 5000 });
  clock.advance(4999);
  watching.sign();
  expect(exceeded).toEqual([]);
  clock.advance(1);
  expect(exceeded).toEqual([{ reason: 'maxTime', message: 'took longer than 5.0 s' }]);
});

describe('the limit of lines', () => {
  it('counts a line that never ends as the several that the log makes of it', () => {
    const { exceeded, watching } = watch({ maxLines: 2 });
    const piece = Buffer.alloc(40_000, 'x');
    expect([1, 2, 3].map(() => watching.withinLines(piece).length)).toEqual([40_000, 40_000, 40_000]);
    expect(watching.withinLines(lines('y\n')).length).toBe(2);
    expect(exceeded).toEqual([]);
    expect(watching.withinLines(piece).length).toBe(0);
    expect(exceeded).toEqual([{ reason: 'maxLines', message: 'wrote more than 2 lines' }]);
  });

  it('lets exactly so many through, in whatever pieces they come', () => {
    const { exceeded, watching } = watch({ maxLines: 3 });
    const kept = ['a\nb', 'b\n', 'c\nd\n', 'e\n'].map((text) => Buffer.from(watching.withinLines(lines(text))));
    expect(Buffer.concat(kept).toString()).toBe('a\nbb\nc\n');
    expect(exceeded).toEqual([{ reason: 'maxLines', message: 'wrote more than 3 lines' }]);
  });

  it('is kept by what writes so many and no more', () => {
    const { exceeded, watching } = watch({ maxLines: 2 });
    watching.withinLines(lines('a\nb\n'));
    expect(exceeded).toEqual([]);
  });
});

it('tells of one limit only, and of none once it is closed', () => {
  const { clock, exceeded, watching } = watch({ idleTimeoutMs: 1000, maxLines: 1 });
  watching.withinLines(lines('a\nb\n'));
  clock.advance(5000);
  expect(exceeded).toHaveLength(1);

  const other = watch({ idleTimeoutMs: 1000 });
  other.watching.close();
  other.clock.advance(5000);
  expect(other.exceeded).toEqual([]);
});
