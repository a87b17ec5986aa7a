import { expect, test } from 'vitest';
import { FOLD_HEIGHT, type ShownSpan, timeScale } from './scale.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const now = 100 * HOUR;
const scale = (spans: ShownSpan[], more: Partial<Parameters<typeof timeScale>[0]> = {}) =>
  timeScale({ now, oldest: now - 24 * HOUR, spans, mode: 'compressed', zoom: 1, ...more });
const span = (fromMinutes: number, toMinutes: number, minHeight = 20): ShownSpan => ({
  from: now - fromMinutes * MINUTE,
  to: now - toMinutes * MINUTE,
  minHeight,
});

test('now is on top and older times are further down', () => {
  const { y, height } = scale([span(30, 10), span(300, 200)]);
  expect(y(now)).toBe(0);
  expect(y(now - 10 * MINUTE)).toBeLessThan(y(now - 30 * MINUTE));
  expect(y(now - 24 * HOUR)).toBe(height);
});

test('long idle times are folded to one height, short breaks are not', () => {
  const { gaps } = scale([span(20, 0), span(30, 25), span(600, 500)]);
  expect(gaps.map((gap) => Math.round((gap.to - gap.from) / MINUTE))).toEqual([470, 840]);
  expect(gaps.every((gap) => gap.height === FOLD_HEIGHT)).toBe(true);
});

test('a short build is stretched until it is legible', () => {
  const short = span(61, 60, 48);
  const { y } = scale([short]);
  expect(y(short.from) - y(short.to)).toBeGreaterThanOrEqual(47.9);
});

test('a time is found again from its height', () => {
  const { y, timeAt } = scale([span(30, 10), span(300, 200)]);
  for (const minutes of [5, 20, 250]) expect(timeAt(y(now - minutes * MINUTE))).toBeCloseTo(now - minutes * MINUTE, -2);
});

test('in the linear mode twice the time is twice the height', () => {
  const { y } = scale([span(60, 0, 0)], { mode: 'linear' });
  expect(y(now - 40 * MINUTE)).toBeCloseTo(2 * y(now - 20 * MINUTE));
  const zoomed = scale([span(60, 0, 0)], { mode: 'linear', zoom: 3 });
  expect(zoomed.y(now - 20 * MINUTE)).toBeCloseTo(3 * y(now - 20 * MINUTE));
});

test('in rows every stretch between two events is as high as another', () => {
  const { y } = scale([span(90, 80, 0), span(60, 59, 0), span(50, 0, 0)], { mode: 'rows' });
  const heights = [0, 50, 59, 60, 80].map((minutes, i, all) => {
    const next = all[i + 1] ?? 90;
    return Math.round(y(now - next * MINUTE) - y(now - minutes * MINUTE));
  });
  expect(heights).toEqual([14, 14, 14, 30, 14]);
});

test('a build that began before what is shown is cut off there', () => {
  const { y, height } = scale([{ from: 0, to: now, minHeight: 20 }]);
  expect(y(0)).toBe(height);
});
