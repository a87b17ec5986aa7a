/** Height of a line that is not wrapped, pixels. */
export const LINE_HEIGHT = 18;
/** Browsers lose precision, and then the element, beyond some 17 million pixels; longer logs scroll in proportion. */
export const TALLEST = 8_000_000;

/** Sizes that scrolling depends on. */
export interface Extent {
  readonly total: number;
  /** Height of the window, pixels. */
  readonly height: number;
}

/** Height of what is scrolled, pixels. */
export function scrollHeight({ total, height }: Extent): number {
  return Math.max(height, Math.min(TALLEST, total * LINE_HEIGHT));
}

/** The line (with a fraction) that is on top when the log's end is at the bottom. */
export function lastTop({ total, height }: Extent): number {
  return Math.max(0, total - height / LINE_HEIGHT);
}

/** Where the scroll bar stands for a line on top. */
export function scrollTopOf(line: number, extent: Extent): number {
  const end = lastTop(extent);
  return end === 0 ? 0 : (line / end) * (scrollHeight(extent) - extent.height);
}

/**
 * The line on top after scrolling. In logs so long that a pixel of the bar is more than a pixel of text, small movements
 * (the wheel, keys) are taken as they are, and only great ones (dragging the bar) in proportion.
 */
export function lineAfterScroll(was: { line: number; scrollTop: number }, scrollTop: number, extent: Extent): number {
  const end = lastTop(extent);
  const range = scrollHeight(extent) - extent.height;
  if (range <= 0 || scrollTop <= 0) return 0;
  if (scrollTop >= range - 0.5) return end;
  const moved = scrollTop - was.scrollTop;
  const exact = extent.total * LINE_HEIGHT <= TALLEST;
  const line =
    exact || Math.abs(moved) > extent.height * 2 ? (scrollTop / range) * end : was.line + moved / LINE_HEIGHT;
  return Math.min(end, Math.max(0, line));
}

/** Lines of a `#L120` or `#L120-L140`, counted from 0, the last one included; null: none. */
export function linesOfHash(hash: string): { first: number; last: number } | null {
  const match = /^#?L(\d{1,12})(?:-L?(\d{1,12}))?$/.exec(hash);
  if (match === null) return null;
  const a = Math.max(1, Number(match[1])) - 1;
  const b = match[2] === undefined ? a : Math.max(1, Number(match[2])) - 1;
  return { first: Math.min(a, b), last: Math.max(a, b) };
}

/** `L120` or `L120-L140` for lines counted from 0. */
export function hashOfLines(first: number, last: number): string {
  const [a, b] = [Math.min(first, last) + 1, Math.max(first, last) + 1];
  return a === b ? `L${a}` : `L${a}-L${b}`;
}
