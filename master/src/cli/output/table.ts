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
  /** Left out where the terminal is too narrow for all. */
  readonly optional?: boolean;
}

const GAP = '  ';
const MARK = '…';
/** A flexible column is not cut below this, nor any column below the other. */
const LEAST_FLEXIBLE = 16;
const LEAST = 6;

/**
 * An aligned table, headed, as wide as the terminal at most; without a terminal nothing is cut. On a narrow one empty
 * columns go first, then prose is cut, then optional columns go, and only then is everything else cut. A `…` tells of
 * all that is left out.
 */
export function tableLines<T>(terminal: Terminal, columns: readonly Column<T>[], rows: readonly T[]): string[] {
  const all = columns.map((column): Measured => {
    const cells = rows.map((row) => cellOf(column.value(row)));
    const widest = Math.max(0, ...cells.map(({ text }) => widthOf(text)));
    return { ...column, cells, isEmpty: widest === 0, width: Math.max(widthOf(column.title), widest) };
  });
  const shown = terminal.columns === null ? all : fit(all, terminal.columns);
  const mark = shown.length < all.length ? GAP + MARK : '';
  const head = shown.map(({ title }): Cell => ({ text: title, format: 'bold' }));
  return [
    lineOf(terminal, shown, head) + mark,
    ...rows.map((_, i) =>
      lineOf(
        terminal,
        shown,
        shown.map(({ cells }) => cells[i] ?? { text: '' }),
      ),
    ),
  ];
}

interface Measured {
  readonly title: string;
  readonly align?: 'left' | 'right';
  readonly flexible?: boolean;
  readonly optional?: boolean;
  readonly cells: readonly Cell[];
  readonly isEmpty: boolean;
  readonly width: number;
}

function cellOf(value: string | Cell): Cell {
  const cell = typeof value === 'string' ? { text: value } : value;
  return { ...cell, text: printable(cell.text) };
}

function lineOf(terminal: Terminal, columns: readonly Measured[], cells: readonly Cell[]): string {
  const parts = cells.map((cell, i) => {
    const width = columns[i]?.width ?? 0;
    const text = cut(cell.text, width);
    const shown = cell.format === undefined ? text : paint(terminal, cell.format, text);
    const padding = ' '.repeat(Math.max(0, width - widthOf(text)));
    if (columns[i]?.align === 'right') return padding + shown;
    return i === cells.length - 1 ? shown : shown + padding;
  });
  return parts.join(GAP).trimEnd();
}

function fit(all: readonly Measured[], limit: number): readonly Measured[] {
  if (excessOf(all, limit, false) <= 0) return all;
  let shown = all.filter(({ isEmpty }) => !isEmpty);
  const isCut = () => shown.length < all.length;
  shown = narrowed(shown, LEAST_FLEXIBLE, excessOf(shown, limit, isCut()), ({ flexible }) => flexible === true);
  while (excessOf(shown, limit, isCut()) > 0) {
    const last = shown.findLastIndex(({ optional }) => optional === true);
    if (last === -1) break;
    shown = shown.toSpliced(last, 1);
  }
  return narrowed(shown, LEAST, excessOf(shown, limit, isCut()), () => true);
}

/** By how much the columns are too wide, with the mark that some are missing. */
function excessOf(columns: readonly Measured[], limit: number, isCut: boolean): number {
  const gaps = GAP.length * (columns.length - 1) + (isCut ? GAP.length + MARK.length : 0);
  return columns.reduce((sum, { width }) => sum + width, gaps) - limit;
}

/** Takes the excess from the widest columns, bit by bit. */
function narrowed(
  columns: readonly Measured[],
  least: number,
  excess: number,
  mayBe: (column: Measured) => boolean,
): Measured[] {
  const widths = columns.map(({ width }) => width);
  const which = columns.flatMap((column, i) => (mayBe(column) ? [i] : []));
  for (let left = excess; left > 0; left -= 1) {
    const widest = which.reduce((best, i) => ((widths[i] ?? 0) > (widths[best] ?? 0) ? i : best), which[0] ?? -1);
    const width = widths[widest] ?? 0;
    if (width <= least) break;
    widths[widest] = width - 1;
  }
  return columns.map((column, i) => ({ ...column, width: widths[i] ?? column.width }));
}
