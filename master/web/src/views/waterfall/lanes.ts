import type { Span } from './scale.ts';

/** Where a block stands beside those that ran at the same time: lane `lane` (from 0) of `lanes`. */
export interface Lane {
  readonly lane: number;
  readonly lanes: number;
}

/**
 * Lanes for the spans of one column, in their order. Spans that overlap, directly or through others, form a cluster and
 * share its width; a span that is alone has the whole width. One that ends as another begins does not overlap it.
 */
export function assignLanes(spans: readonly Span[]): Lane[] {
  const order = spans.map((_, i) => i).sort((a, b) => start(spans, a) - start(spans, b) || a - b);
  const lane = new Array<number>(spans.length).fill(0);
  const lanes = new Array<number>(spans.length).fill(1);
  let cluster: number[] = [];
  let ends: number[] = [];
  const closeCluster = () => {
    for (const i of cluster) lanes[i] = ends.length;
    cluster = [];
    ends = [];
  };
  for (const i of order) {
    const { from, to } = spans[i] ?? { from: 0, to: 0 };
    if (ends.every((end) => end <= from)) closeCluster();
    const free = ends.findIndex((end) => end <= from);
    const mine = free < 0 ? ends.length : free;
    ends[mine] = Math.max(to, from + 1);
    lane[i] = mine;
    cluster.push(i);
  }
  closeCluster();
  return spans.map((_, i) => ({ lane: lane[i] ?? 0, lanes: lanes[i] ?? 1 }));
}

function start(spans: readonly Span[], index: number): number {
  return spans[index]?.from ?? 0;
}
