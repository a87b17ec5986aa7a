/** A stretch of time, milliseconds since the epoch. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** A span with the least height that it is legible in, pixels. */
export interface ShownSpan extends Span {
  readonly minHeight: number;
}

/** `rows`: from one event to the next is one row, however long it took. */
export const SCALE_MODES = ['compressed', 'linear', 'rows'] as const;
export type ScaleMode = (typeof SCALE_MODES)[number];
export interface ScaleOptions {
  readonly now: number;
  /** The oldest time that is shown. */
  readonly oldest: number;
  /** What was running: time without any of these is idle. */
  readonly spans: readonly ShownSpan[];
  readonly mode: ScaleMode;
  /** 1 is the plain size. */
  readonly zoom: number;
  /** A time whose builds are not at hand: folded, whatever ran through it. */
  readonly hole?: Span | null;
}

/** An idle time that is folded to a band of fixed height. */
export interface Gap extends Span {
  readonly y: number;
  readonly height: number;
  /** Not idle: its builds are not at hand. */
  readonly isHole: boolean;
}

/** Time to height and back, piecewise linear and monotone: 0 is now, older times are further down. */
export interface TimeScale {
  readonly height: number;
  readonly gaps: readonly Gap[];
  y(time: number): number;
  timeAt(y: number): number;
}

/** Idle time from this on is folded: shorter breaks belong to the rhythm of a site. */
const FOLD_AFTER_MS = 15 * 60_000;
/** Height of a folded idle time, pixels: its label and some air. */
export const FOLD_HEIGHT = 30;
/** Linear: pixels a minute at zoom 1. An hour is a hand's breadth. */
const LINEAR_PX_PER_MINUTE = 3;
/** Compressed: pixels that a doubling of a stretch adds, and the time that counts as one unit. */
const COMPRESSED_PX = 16;
const COMPRESSED_UNIT_MS = 3 * 60_000;

/** Rows: height of one at zoom 1, pixels. */
const ROW_PX = 14;

/** Times at which something begins or ends cut the axis into segments; each has one height. */
interface Segments {
  /** Newest first; segment i lies between times[i] and times[i + 1]. */
  readonly times: number[];
  readonly heights: number[];
  readonly folded: boolean[];
  /** When the hole's segment ends; null: there is no hole. */
  readonly holeTo: number | null;
}

/**
 * The scale of a waterfall. Every segment between two events gets a height by its length (in proportion, or by its
 * logarithm); idle ones are folded; then segments under a span that is too low for its number are stretched until it is
 * legible. So blocks never overlap: what is apart in time is apart in height.
 */
export function timeScale(options: ScaleOptions): TimeScale {
  const spans = options.spans.map((span) => clip(span, options));
  const segments = cut(spans, options);
  stretch(segments, spans);
  return scaleOf(segments);
}

/** Within what is shown, and never without length: an instant has no height to stretch. */
function clip({ from, to, minHeight }: ShownSpan, options: ScaleOptions): ShownSpan {
  const { oldest, now } = options;
  const hole = holeOf(options);
  const isInside = (time: number) => hole !== null && time > hole.from && time < hole.to;
  const outside = {
    from: hole !== null && isInside(from) ? (isInside(to) ? hole.from : hole.to) : from,
    to: hole !== null && isInside(to) ? hole.from : to,
  };
  const end = Math.min(Math.max(outside.to, oldest + 1), now);
  return { from: Math.min(Math.max(outside.from, oldest), end - 1), to: end, minHeight };
}

/** One that lies within what is shown. */
function holeOf({ hole, oldest, now }: ScaleOptions): Span | null {
  return hole != null && hole.from > oldest && hole.to > hole.from && hole.to < now ? hole : null;
}

function cut(spans: readonly Span[], options: ScaleOptions): Segments {
  const { now, oldest } = options;
  const hole = holeOf(options);
  const ends = hole === null ? [now, oldest] : [now, oldest, hole.from, hole.to];
  for (const { from, to } of spans) ends.push(from, to);
  const times = [...new Float64Array(new Set(ends)).sort()].reverse();
  const index = new Map(times.map((time, i) => [time, i]));
  const changes = new Array<number>(times.length).fill(0);
  for (const { from, to } of spans) {
    changes[index.get(to) ?? 0] = (changes[index.get(to) ?? 0] ?? 0) + 1;
    changes[index.get(from) ?? 0] = (changes[index.get(from) ?? 0] ?? 0) - 1;
  }
  const heights: number[] = [];
  const folded: boolean[] = [];
  let running = 0;
  for (let i = 0; i + 1 < times.length; i += 1) {
    running += changes[i] ?? 0;
    const length = (times[i] ?? 0) - (times[i + 1] ?? 0);
    const isFolded = (running === 0 && length >= FOLD_AFTER_MS) || times[i] === hole?.to;
    folded.push(isFolded);
    heights.push(isFolded ? FOLD_HEIGHT : naturalHeight(length, options));
  }
  return { times, heights, folded, holeTo: hole?.to ?? null };
}

function naturalHeight(lengthMs: number, { mode, zoom }: ScaleOptions): number {
  if (mode === 'rows') return lengthMs === 0 ? 0 : ROW_PX * zoom;
  if (mode === 'linear') return (lengthMs / 60_000) * LINEAR_PX_PER_MINUTE * zoom;
  return Math.log2(1 + lengthMs / COMPRESSED_UNIT_MS) * COMPRESSED_PX * zoom;
}

/** Gives each span at least its `minHeight`, shortest first: what helps a short one often helps those around it. */
function stretch({ times, heights }: Segments, spans: readonly ShownSpan[]): void {
  const index = new Map(times.map((time, i) => [time, i]));
  const natural = prefixSums(heights);
  const low = spans
    .map(({ from, to, minHeight }) => ({
      first: index.get(to) ?? 0,
      end: index.get(from) ?? 0,
      length: to - from,
      minHeight,
    }))
    .filter(({ first, end, minHeight }) => (natural[end] ?? 0) - (natural[first] ?? 0) < minHeight)
    .sort((a, b) => a.length - b.length);
  for (const { first, end, length, minHeight } of low) {
    let height = 0;
    for (let i = first; i < end; i += 1) height += heights[i] ?? 0;
    const missing = minHeight - height;
    if (missing <= 0) continue;
    for (let i = first; i < end; i += 1)
      heights[i] = (heights[i] ?? 0) + (missing * ((times[i] ?? 0) - (times[i + 1] ?? 0))) / length;
  }
}

function prefixSums(values: readonly number[]): number[] {
  const sums = [0];
  for (const value of values) sums.push((sums.at(-1) ?? 0) + value);
  return sums;
}

function scaleOf({ times, heights, folded, holeTo }: Segments): TimeScale {
  const tops = prefixSums(heights);
  const gaps: Gap[] = [];
  for (const [i, isFolded] of folded.entries()) {
    const [from = 0, to = 0, y = 0, height = 0] = [times[i + 1], times[i], tops[i], heights[i]];
    if (isFolded) gaps.push({ from, to, y, height, isHole: to === holeTo });
  }
  return {
    height: tops.at(-1) ?? 0,
    gaps,
    y(time) {
      const i = segmentWhere(times.length, (k) => (times[k] ?? 0) >= time);
      const top = times[i] ?? time;
      const bottom = times[i + 1] ?? top;
      const share = top === bottom ? 0 : (top - time) / (top - bottom);
      return (tops[i] ?? 0) + Math.min(1, Math.max(0, share)) * (heights[i] ?? 0);
    },
    timeAt(y) {
      const i = segmentWhere(tops.length, (k) => (tops[k] ?? 0) <= y);
      const top = times[i] ?? 0;
      const bottom = times[i + 1] ?? top;
      const height = heights[i] ?? 0;
      const share = height === 0 ? 0 : Math.min(1, Math.max(0, (y - (tops[i] ?? 0)) / height));
      return top - share * (top - bottom);
    },
  };
}

/** The last index below `length` for which `holds` is true; it is true for a beginning of them. 0 where for none. */
function segmentWhere(length: number, holds: (index: number) => boolean): number {
  let low = 0;
  let high = length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (holds(middle)) low = middle;
    else high = middle - 1;
  }
  return low;
}
