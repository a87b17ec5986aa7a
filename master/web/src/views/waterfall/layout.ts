import type { Build, Builder, Change, Request } from '@icefall/shared';
import { type Band, bandsOf, legibleHeight, TITLE_HEIGHT } from './bands.ts';
import { futureHeight } from './future.ts';
import { assignLanes } from './lanes.ts';
import { type ScaleMode, type ShownSpan, type Span, type TimeScale, timeScale } from './scale.ts';

/** A build in its column. `top` is from the moment now, pixels. */
export interface Block {
  readonly build: Build;
  readonly top: number;
  readonly height: number;
  readonly left: number;
  readonly width: number;
  /** Height above now of what a running build is still expected to take. */
  readonly ghost: number;
}

/** A builder's column. `x` is from the first column's left edge. */
export interface Column {
  readonly builder: Builder;
  readonly x: number;
  readonly width: number;
  /** Newest first. */
  readonly blocks: readonly Block[];
  readonly pending: readonly Request[];
}

/** Columns that stand under one heading. */
export interface Heading {
  readonly title: string;
  readonly x: number;
  readonly width: number;
}

/** Changes that are so close in time that they share a place; the newest is shown. */
export interface ChangePlace {
  readonly y: number;
  readonly changes: readonly Change[];
}

/** From a trigger to what it started, in pixels of the body. */
export interface Link {
  readonly parentId: number;
  readonly childId: number;
  readonly x1: number;
  readonly y1: number;
  readonly x2: number;
  readonly y2: number;
}

export interface Layout {
  readonly scale: TimeScale;
  readonly columns: readonly Column[];
  readonly headings: readonly Heading[];
  readonly changes: readonly ChangePlace[];
  readonly width: number;
}

export interface LayoutInput {
  readonly builders: readonly Builder[];
  readonly builds: readonly Build[];
  readonly requests: readonly Request[];
  readonly changes: readonly Change[];
  readonly now: number;
  readonly oldest: number;
  readonly mode: ScaleMode;
  readonly zoom: number;
  /** A time whose builds are not at hand. */
  readonly hole?: Span | null;
  /** Width that there is for all columns. */
  readonly available: number;
  readonly leastWidth: number;
}

/** Between groups, and between columns of one. */
const GROUP_GAP = 14;
const COLUMN_GAP = 6;
/** Wider columns would say no more. */
const WIDEST = 200;
/** Two lines of a change. */
const CHANGE_HEIGHT = 32;

/** Where everything of the waterfall stands. */
export function layoutOf(input: LayoutInput): Layout {
  const scale = timeScale({ ...input, spans: input.builds.map((build) => spanOf(build, input)) });
  const { places, headings, width } = placeColumns(input);
  const builds = groupBy(input.builds, (build) => build.builder);
  const requests = groupBy(input.requests, (request) => request.builder);
  const columns = places.map((place) => ({
    ...place,
    blocks: blocksOf(builds.get(place.builder.name) ?? [], place.width, scale, input.now),
    pending: (requests.get(place.builder.name) ?? []).sort(
      (a, b) => b.priority - a.priority || a.submittedAt - b.submittedAt,
    ),
  }));
  return { scale, columns, headings, changes: placeChanges(input, scale), width };
}

function spanOf(build: Build, { now, zoom, mode }: LayoutInput): ShownSpan {
  const minHeight = mode === 'linear' || zoom < 0.75 ? TITLE_HEIGHT : legibleHeight(build);
  return { from: build.startedAt, to: build.finishedAt ?? now, minHeight: minHeight + 2 };
}

function placeColumns({ builders, available, leastWidth }: LayoutInput) {
  const groups = [...groupBy(builders, (builder) => builder.group)];
  const gaps = groups.length * GROUP_GAP + builders.length * COLUMN_GAP;
  const width = Math.floor(Math.min(WIDEST, Math.max(leastWidth, (available - gaps) / Math.max(1, builders.length))));
  const places: { builder: Builder; x: number; width: number }[] = [];
  const headings: Heading[] = [];
  let x = 0;
  for (const [title, members] of groups) {
    const from = x;
    for (const builder of members) {
      places.push({ builder, x, width });
      x += width + COLUMN_GAP;
    }
    headings.push({ title, x: from, width: x - COLUMN_GAP - from });
    x += GROUP_GAP;
  }
  return { places, headings, width: Math.max(0, x - GROUP_GAP) };
}

function blocksOf(builds: readonly Build[], width: number, scale: TimeScale, now: number): Block[] {
  const spans = builds.map((build) => ({ from: build.startedAt, to: build.finishedAt ?? now }));
  const lanes = assignLanes(spans);
  const blocks = builds.map((build, i) => {
    const { lane, lanes: count } = lanes[i] ?? { lane: 0, lanes: 1 };
    const top = scale.y(build.finishedAt ?? now);
    const own = width / count;
    const left = lane * own;
    const height = Math.max(TITLE_HEIGHT, scale.y(build.startedAt) - top - 2);
    const running = build.finishedAt === null && build.estimateMs !== null;
    const ghost = running ? futureHeight(build.startedAt + (build.estimateMs ?? 0) - now) : 0;
    return { build, top, height, left, width: count > 1 ? own - 2 : own, ghost };
  });
  return blocks.sort((a, b) => a.top - b.top || a.left - b.left);
}

function placeChanges({ changes, oldest }: LayoutInput, scale: TimeScale): ChangePlace[] {
  const places: { y: number; changes: Change[] }[] = [];
  const shown = changes.filter((change) => change.receivedAt >= oldest).sort((a, b) => b.receivedAt - a.receivedAt);
  for (const change of shown) {
    const y = scale.y(change.receivedAt);
    const above = places.at(-1);
    if (above !== undefined && y < above.y + CHANGE_HEIGHT) above.changes.push(change);
    else places.push({ y, changes: [change] });
  }
  return places;
}

/** Bands of a block, from its height. */
export function bandsOfBlock(block: Block, now: number): Band[] {
  return bandsOf(block.build, block.height, now);
}

interface Placed {
  readonly column: Column;
  readonly block: Block;
}

/** Lines from triggering builds to triggered ones, for the blocks that are shown. */
export function linksOf(columns: readonly Column[], shown: (block: Block) => boolean): Link[] {
  const placed = (wanted: (block: Block) => boolean): Placed[] =>
    columns.flatMap((column) => column.blocks.filter(wanted).map((block) => ({ column, block })));
  const children = placed(({ build }) => build.parentBuildId !== null);
  if (children.length === 0) return [];
  const ids = new Set(children.map(({ block }) => block.build.parentBuildId));
  const parents = new Map(placed(({ build }) => ids.has(build.id)).map((one) => [one.block.build.id, one]));
  return children.flatMap((child) => {
    const parent = parents.get(child.block.build.parentBuildId ?? 0);
    return parent !== undefined && (shown(child.block) || shown(parent.block)) ? [linkOf(parent, child)] : [];
  });
}

function linkOf(parent: Placed, { column, block }: Placed): Link {
  const fromLeft = parent.column.x <= column.x;
  const y2 = block.top + block.height;
  // The line leaves its parent at the child's beginning, which lies within the trigger step.
  const y1 = Math.min(parent.block.top + parent.block.height, Math.max(parent.block.top, y2));
  const edge = parent.column.x + parent.block.left;
  const target = column.x + block.left;
  return {
    parentId: parent.block.build.id,
    childId: block.build.id,
    x1: fromLeft ? edge + parent.block.width : edge,
    y1,
    x2: fromLeft ? target : target + block.width,
    y2,
  };
}

/** Items by key, keys in the order in which they came. */
export function groupBy<T, K>(items: readonly T[], keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}

/** Blocks of a column (newest first) that lie at least partly between two heights. */
export function visibleBlocks(blocks: readonly Block[], from: number, to: number): Block[] {
  return blocks.filter((block) => block.top <= to && block.top + block.height >= from);
}
