import type { Format, Terminal } from '../terminal.ts';
import { cut, paint, printable, widthOf } from './text.ts';

export interface Cell {
  readonly text: string;
  readonly format?: Format;
}

export interface Column<T> {
  readonly title: string;
  readonly value: (row: T) => string | Cell;
  readonly align?: 'left' | 'right';
  /** Gives way first where the terminal is narrow: prose, not names and numbers. */
  readonly flexible?: boolean;
}

const GAP = '  ';
/** A flexible column is not cut below this, nor any column below the other. */
const LEAST_FLEXIBLE = 16;
const LEAST = 6;

/** An aligned table, headed, as wide as the terminal at most; without a terminal nothing is cut. */
export function tableLines<T>(terminal: Terminal, columns: readonly Column<T>[], rows: readonly T[]): string[] {
  const cells = rows.map((row) => columns.map((column) => cellOf(column.value(row))));
  const widths = columns.map((column, i) =>
    Math.max(widthOf(column.title), ...cells.map((line) => widthOf(line[i]?.text ?? ''))),
  );
  if (terminal.columns !== null) fit(widths, columns, terminal.columns - GAP.length * (columns.length - 1));
  const heads = columns.map(({ title }): Cell => ({ text: title, format: 'bold' }));
  return [heads, ...cells].map((line) => lineOf(terminal, columns, widths, line));
}

function cellOf(value: string | Cell): Cell {
  const cell = typeof value === 'string' ? { text: value } : value;
  return { ...cell, text: printable(cell.text) };
}

function lineOf(
  terminal: Terminal,
  columns: readonly Column<never>[],
  widths: readonly number[],
  cells: readonly Cell[],
): string {
  const parts = cells.map((cell, i) => {
    const width = widths[i] ?? 0;
    const text = cut(cell.text, width);
    const shown = cell.format === undefined ? text : paint(terminal, cell.format, text);
    const padding = ' '.repeat(Math.max(0, width - widthOf(text)));
    if (columns[i]?.align === 'right') return padding + shown;
    return i === cells.length - 1 ? shown : shown + padding;
  });
  return parts.join(GAP).trimEnd();
}

/** Narrows the widest columns until the sum fits, flexible ones first. */
function fit(widths: number[], columns: readonly { readonly flexible?: boolean }[], limit: number): void {
  const flexible = columns.flatMap((column, i) => (column.flexible === true ? [i] : []));
  narrow(widths, flexible, LEAST_FLEXIBLE, limit);
  narrow(widths, [...widths.keys()], LEAST, limit);
}

function narrow(widths: number[], which: readonly number[], least: number, limit: number): void {
  let excess = widths.reduce((sum, width) => sum + width, 0) - limit;
  while (excess > 0) {
    const widest = which.reduce((best, i) => ((widths[i] ?? 0) > (widths[best] ?? 0) ? i : best), which[0] ?? -1);
    const width = widths[widest];
    if (width === undefined || width <= least) return;
    widths[widest] = width - 1;
    excess -= 1;
  }
}
