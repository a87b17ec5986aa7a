import { makeBuild, makeBuilder } from '@icefall/shared/testing/resources';
import { expect, test } from 'vitest';
import { neighbour } from './keys.ts';
import { layoutOf } from './layout.ts';

const build = (id: number, builder: string, from: number, to: number) =>
  makeBuild({ id, builder, startedAt: from * 60_000, finishedAt: to * 60_000 });
const layout = layoutOf({
  builders: [makeBuilder({ name: 'a' }), makeBuilder({ name: 'empty' }), makeBuilder({ name: 'b' })],
  builds: [build(1, 'a', 10, 20), build(2, 'a', 60, 80), build(3, 'b', 11, 21), build(4, 'b', 62, 82)],
  requests: [],
  changes: [],
  now: 100 * 60_000,
  oldest: 0,
  mode: 'compressed',
  zoom: 1,
  available: 800,
  leastWidth: 98,
});

test('arrows lead up and down in a column, and stop at its ends', () => {
  expect(neighbour(layout, 2, 'ArrowDown')).toBe(1);
  expect(neighbour(layout, 1, 'ArrowUp')).toBe(2);
  expect(neighbour(layout, 2, 'ArrowUp')).toBeNull();
});

test('sideways they lead to what ran at about the same time, over empty columns', () => {
  expect(neighbour(layout, 1, 'ArrowRight')).toBe(3);
  expect(neighbour(layout, 4, 'ArrowLeft')).toBe(2);
  expect(neighbour(layout, 4, 'ArrowRight')).toBeNull();
});

test('without a build to begin from it is the newest of the first column', () => {
  expect(neighbour(layout, null, 'ArrowDown')).toBe(2);
});
