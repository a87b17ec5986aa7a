import { expect, test } from 'vitest';
import { timeScale } from './scale.ts';
import { ticks } from './ticks.ts';

const HOUR = 3_600_000;
const now = Date.UTC(2026, 4, 5, 14, 32);
const from = now - 20 * HOUR;
const spans = [{ from, to: now, minHeight: 0 }];
const scale = timeScale({ now, oldest: from, spans, mode: 'linear', zoom: 1 });

test('marks are at whole hours of the local time, apart enough to be read', () => {
  const marks = ticks(scale, { from, to: now, minDistance: 150, offsetAt: () => 5.5 * HOUR });
  expect(marks.length).toBeGreaterThan(10);
  // At the far end, where no whole hour is left, a finer mark may find room.
  expect(marks.slice(0, -1).every(({ time }) => (time + 5.5 * HOUR) % HOUR === 0)).toBe(true);
  marks.slice(1).forEach((mark, i) => {
    expect(mark.y - (marks[i]?.y ?? 0)).toBeGreaterThanOrEqual(150);
  });
});

test('the first mark of an earlier day tells the day', () => {
  const marks = ticks(scale, { from, to: now, minDistance: 150, offsetAt: () => 0 });
  const days = marks.filter((mark) => mark.newDay);
  expect(days.map(({ time }) => new Date(time).getUTCDate())).toEqual([4]);
});

test('no mark stands within a folded time', () => {
  const folded = timeScale({
    now,
    oldest: from,
    spans: [{ from: now - HOUR, to: now, minHeight: 0 }],
    mode: 'compressed',
    zoom: 1,
  });
  const marks = ticks(folded, { from, to: now, minDistance: 20, offsetAt: () => 0 });
  const [gap] = folded.gaps;
  expect(gap).toBeDefined();
  expect(marks.filter(({ y }) => gap !== undefined && y > gap.y && y < gap.y + gap.height)).toEqual([]);
});
