import { makeBuild, makeBuilder, makeChange, makeRequest, makeStep } from '@icefall/shared/testing/resources';
import { expect, test } from 'vitest';
import { type LayoutInput, layoutOf, linksOf, visibleBlocks } from './layout.ts';

const MINUTE = 60_000;
const now = 1000 * MINUTE;
const at = (minutesAgo: number) => now - minutesAgo * MINUTE;
const input: LayoutInput = {
  builders: [
    makeBuilder({ name: 'checkout', group: 'release' }),
    makeBuilder({ name: 'alma9' }),
    makeBuilder({ name: 'publish', group: 'stratum 0' }),
    makeBuilder({ name: 'debian12' }),
  ],
  builds: [],
  requests: [],
  changes: [],
  now,
  oldest: at(600),
  mode: 'compressed',
  zoom: 1,
  available: 1000,
  leastWidth: 98,
};

test('columns stand under their groups, in the order of the configuration', () => {
  const { columns, headings } = layoutOf(input);
  expect(columns.map((column) => column.builder.name)).toEqual(['checkout', 'alma9', 'debian12', 'publish']);
  expect(headings.map((heading) => heading.title)).toEqual(['release', 'platforms', 'stratum 0']);
  columns.slice(1).forEach((column, i) => {
    expect(column.x).toBeGreaterThanOrEqual((columns[i]?.x ?? 0) + (columns[i]?.width ?? 0));
  });
});

test('columns share a wide window, and keep their least width in a narrow one', () => {
  expect(layoutOf(input).columns[0]?.width).toBeGreaterThan(150);
  expect(layoutOf({ ...input, available: 100 }).columns[0]?.width).toBe(98);
});

test('a running build reaches up to now, with a ghost of what is expected', () => {
  const running = makeBuild({
    startedAt: at(20),
    finishedAt: null,
    result: null,
    state: 'running',
    estimateMs: 30 * MINUTE,
  });
  const block = layoutOf({ ...input, builds: [running] }).columns[1]?.blocks[0];
  expect(block?.top).toBe(0);
  expect(block?.ghost).toBeGreaterThan(0);
  const late = layoutOf({ ...input, builds: [{ ...running, estimateMs: MINUTE }] }).columns[1]?.blocks[0];
  expect(late?.ghost).toBe(0);
});

test('builds of one column never overlap', () => {
  const builds = Array.from({ length: 30 }, (_, i) =>
    makeBuild({
      id: i + 1,
      startedAt: at(300 - 9 * i),
      finishedAt: at(300 - 9 * i - 8.9),
      steps: [makeStep(), makeStep({ number: 1 })],
    }),
  );
  const blocks = layoutOf({ ...input, builds }).columns[1]?.blocks ?? [];
  expect(blocks).toHaveLength(30);
  blocks.slice(1).forEach((block, i) => {
    const above = blocks[i];
    expect(block.top).toBeGreaterThanOrEqual((above?.top ?? 0) + (above?.height ?? 0));
  });
});

test('waiting requests are in the order of their turn', () => {
  const requests = [
    makeRequest({ id: 1, submittedAt: 5 }),
    makeRequest({ id: 2, submittedAt: 3 }),
    makeRequest({ id: 3, submittedAt: 9, priority: 5 }),
  ];
  expect(layoutOf({ ...input, requests }).columns[1]?.pending.map((request) => request.id)).toEqual([3, 2, 1]);
});

test('a trigger is linked to its children where either is in view', () => {
  const parent = makeBuild({ id: 1, builder: 'checkout', startedAt: at(30), finishedAt: at(1) });
  const child = makeBuild({ id: 2, builder: 'alma9', startedAt: at(25), finishedAt: at(5), parentBuildId: 1 });
  const { columns } = layoutOf({ ...input, builds: [parent, child] });
  const [link, ...others] = linksOf(columns, (block) => block.build.id === 1);
  expect(others).toEqual([]);
  expect(link).toMatchObject({ parentId: 1, childId: 2 });
  expect(link?.x1).toBeLessThan(link?.x2 ?? 0);
  expect(linksOf(columns, () => false)).toEqual([]);
});

test('changes at about the same time share a place, the newest first', () => {
  const changes = [
    makeChange({ id: 1, receivedAt: at(60) }),
    makeChange({ id: 2, receivedAt: at(60) + 1000 }),
    makeChange({ id: 3, receivedAt: at(500) }),
    makeChange({ id: 4, receivedAt: at(900) }),
  ];
  const builds = [makeBuild({ startedAt: at(300), finishedAt: at(200) })];
  const places = layoutOf({ ...input, changes, builds }).changes.map((place) =>
    place.changes.map((change) => change.id),
  );
  expect(places).toEqual([[2, 1], [3]]);
});

test('only blocks in view are drawn', () => {
  const builds = [
    makeBuild({ id: 1, startedAt: at(10), finishedAt: at(1) }),
    makeBuild({ id: 2, startedAt: at(400), finishedAt: at(390) }),
  ];
  const { columns, scale } = layoutOf({ ...input, builds });
  const blocks = columns[1]?.blocks ?? [];
  expect(visibleBlocks(blocks, 0, scale.y(at(12))).map((block) => block.build.id)).toEqual([1]);
});
