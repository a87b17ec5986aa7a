import { expect, test } from 'vitest';
import { assignLanes } from './lanes.ts';

test('builds one after the other have the whole width', () => {
  expect(
    assignLanes([
      { from: 0, to: 10 },
      { from: 10, to: 20 },
    ]),
  ).toEqual([
    { lane: 0, lanes: 1 },
    { lane: 0, lanes: 1 },
  ]);
});

test('builds at the same time share the width, and a free lane is used again', () => {
  const lanes = assignLanes([
    { from: 0, to: 10 },
    { from: 5, to: 30 },
    { from: 12, to: 20 },
  ]);
  expect(lanes).toEqual([
    { lane: 0, lanes: 2 },
    { lane: 1, lanes: 2 },
    { lane: 0, lanes: 2 },
  ]);
});

test('the order in which they are given does not matter', () => {
  const [late, early] = assignLanes([
    { from: 5, to: 30 },
    { from: 0, to: 10 },
  ]);
  expect([early?.lane, late?.lane]).toEqual([0, 1]);
});
