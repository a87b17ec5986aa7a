/** Lines that are out of sight, both ends included. */
export interface Range {
  readonly first: number;
  readonly last: number;
}

/** From lines to the rows that are shown of them, and back. Ranges do not touch each other and rise. */
export interface Folds {
  readonly hidden: number;
  /** The row of a line; of a hidden one, the row above it. */
  rowOf(line: number): number;
  /** The line in a row. */
  lineOf(row: number): number;
}

export const NO_FOLDS: Folds = { hidden: 0, rowOf: (line) => line, lineOf: (row) => row };

/** Folds these ranges away; they may overlap. */
export function foldsOf(ranges: readonly Range[]): Folds {
  const merged: Range[] = [];
  for (const range of [...ranges].sort((a, b) => a.first - b.first)) {
    const before = merged.at(-1);
    if (range.last < range.first) continue;
    if (before !== undefined && range.first <= before.last + 1)
      merged[merged.length - 1] = { first: before.first, last: Math.max(before.last, range.last) };
    else merged.push(range);
  }
  if (merged.length === 0) return NO_FOLDS;
  const sizes = merged.map(({ first, last }) => last - first + 1);
  return {
    hidden: sizes.reduce((sum, size) => sum + size, 0),
    rowOf(line) {
      let row = line;
      for (const { first, last } of merged) {
        if (first > line) break;
        row -= Math.min(line, last) - first + 1;
      }
      return row;
    },
    lineOf(row) {
      let line = row;
      for (const [i, { first }] of merged.entries()) {
        if (first > line) break;
        line += sizes[i] ?? 0;
      }
      return line;
    },
  };
}
