import { expect, test } from 'vitest';
import { VirtualClock } from '../engine/virtual-clock.ts';
import { Rounds } from './rounds.ts';

const HOUR = 3_600_000;

function setUp(count: number) {
  const clock = new VirtualClock();
  const visited: string[] = [];
  const names = Array.from({ length: count }, (_, i) => `p${i}`);
  const rounds = new Rounds(
    clock,
    () => ({ names, everyMs: HOUR }),
    (name) => visited.push(name),
  );
  rounds.start();
  const visitsIn = (ms: number) => {
    const before = visited.length;
    clock.advance(ms);
    return visited.slice(before);
  };
  return { names, rounds, visitsIn };
}

test('a round visits a thousand one at a time; the first one soon, later ones in the time that they are told', () => {
  const { names, visitsIn } = setUp(1000);
  expect(visitsIn(9999)).toEqual([]);
  expect(visitsIn(10_000)).toEqual(names.slice(0, 100));
  expect(visitsIn(90_000)).toEqual(names.slice(100));
  expect(visitsIn(HOUR / 10)).toEqual(names.slice(0, 100));
  expect(visitsIn(HOUR)).toHaveLength(1000);
});

test('a round of few has them as often as it is told, and one of none asks again', () => {
  const { visitsIn } = setUp(2);
  expect(visitsIn(10_100)).toEqual(['p0', 'p1']);
  expect(visitsIn(HOUR)).toEqual(['p0', 'p1']);
  expect(setUp(0).visitsIn(HOUR)).toEqual([]);
});

test('rounds that were stopped visit nobody', () => {
  const { rounds, visitsIn } = setUp(3);
  expect(visitsIn(10_000)).toEqual(['p0']);
  rounds.stop();
  expect(visitsIn(HOUR)).toEqual([]);
});
