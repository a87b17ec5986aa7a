import { describe, expect, test } from 'vitest';
import {
  hashOfLines,
  LINE_HEIGHT,
  lastTop,
  lineAfterScroll,
  linesOfHash,
  scrollHeight,
  scrollTopOf,
  TALLEST,
} from './position.ts';

const short = { total: 1000, height: 360 };
const long = { total: 10_000_000, height: 720 };

describe('a log that fits', () => {
  test('scrolls pixel by pixel', () => {
    expect(scrollHeight(short)).toBe(1000 * LINE_HEIGHT);
    expect(lineAfterScroll({ line: 0, scrollTop: 0 }, 90, short)).toBeCloseTo(5);
    expect(scrollTopOf(5, short)).toBeCloseTo(90);
  });

  test('ends with its last line at the bottom', () => {
    expect(lastTop(short)).toBe(980);
    expect(lineAfterScroll({ line: 0, scrollTop: 0 }, scrollHeight(short) - 360, short)).toBe(980);
  });
});

describe('a log of ten million lines', () => {
  test('is no taller than browsers can scroll, and every line can be reached', () => {
    expect(scrollHeight(long)).toBe(TALLEST);
    const top = scrollTopOf(5_000_000, long);
    expect(lineAfterScroll({ line: 0, scrollTop: 0 }, top, long)).toBeCloseTo(5_000_000, 0);
  });

  test('moves line by line under the wheel', () => {
    const was = { line: 5_000_000, scrollTop: scrollTopOf(5_000_000, long) };
    expect(lineAfterScroll(was, was.scrollTop + 36, long)).toBeCloseTo(5_000_002);
  });

  test('never leaves its ends', () => {
    expect(lineAfterScroll({ line: 3, scrollTop: 30 }, 0, long)).toBe(0);
    expect(lineAfterScroll({ line: 9_999_000, scrollTop: 0 }, TALLEST - 720, long)).toBe(lastTop(long));
  });
});

test('an empty log stays where it is', () => {
  expect(lineAfterScroll({ line: 0, scrollTop: 0 }, 0, { total: 0, height: 300 })).toBe(0);
  expect(scrollTopOf(0, { total: 0, height: 300 })).toBe(0);
});

test('permalinks count from one and have ranges, in either direction', () => {
  expect(linesOfHash('#L120')).toEqual({ first: 119, last: 119 });
  expect(linesOfHash('#L140-L120')).toEqual({ first: 119, last: 139 });
  expect(linesOfHash('#step-1')).toBeNull();
  expect(hashOfLines(139, 119)).toBe('L120-L140');
  expect(hashOfLines(0, 0)).toBe('L1');
});
