import { expect, test } from 'vitest';
import { VirtualClock } from '../engine/virtual-clock.ts';
import { SearchTurns } from './search-turns.ts';

/** Searches of so many turns each, every one of which takes some time; who had them, and at what time. */
function searching(tookMs: number, searches: Readonly<Record<string, number>>) {
  const clock = new VirtualClock(0);
  let workedMs = 0;
  const monotonic = () => clock.monotonic() + workedMs;
  const after = (ms: number, callback: () => void) => clock.after(ms, callback);
  const turns = new SearchTurns({ monotonic, after });
  const had: string[] = [];
  const begin = (name: string, left: number) =>
    turns.take(() => {
      had.push(`${name} ${monotonic()}`);
      workedMs += tookMs;
      if (left > 1) begin(name, left - 1);
    });
  for (const [name, count] of Object.entries(searches)) begin(name, count);
  return { clock, had };
}

test('searches have turns one after the other, and others are served between any two of them', () => {
  const { clock, had } = searching(0, { a: 3, b: 2 });
  expect(had).toEqual(['a 0']);
  const between: string[] = [];
  clock.after(0, () => between.push(...had));
  clock.advance(1);
  expect(had.map((turn) => turn[0])).toEqual(['a', 'a', 'b', 'a', 'b']);
  expect(between.length).toBeLessThan(5);
});

test('after a costly turn others have as much time as it took', () => {
  const { clock, had } = searching(200, { a: 2, b: 1 });
  clock.advance(10_000);
  expect(had).toEqual(['a 0', 'a 400', 'b 800']);
});
