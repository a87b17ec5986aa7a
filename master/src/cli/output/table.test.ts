import { describe, expect, test } from 'vitest';
import { fakeTerminal } from '../testing/fake-terminal.ts';
import { type Column, tableLines } from './table.ts';
import { widthOf } from './text.ts';

interface Row {
  readonly name: string;
  readonly count: number;
  readonly note: string;
  readonly why: string;
}
const columns: readonly Column<Row>[] = [
  { title: 'NAME', value: ({ name }) => name },
  { title: 'N', value: ({ count }) => String(count), align: 'right' },
  { title: 'NOTE', value: ({ note }) => note, optional: true },
  { title: 'WHY', value: ({ why }) => ({ text: why, format: 'red' }), flexible: true },
];
const rows: Row[] = [
  { name: 'alma9_builder', count: 7, note: 'noted', why: 'waits for lock cvmfs_shared, held by publish #3' },
  { name: 'x', count: 1200, note: '', why: '' },
];

describe('a table', () => {
  test('is aligned, and whole where there is no terminal', () => {
    expect(tableLines(fakeTerminal(), columns, rows)).toEqual([
      'NAME              N  NOTE   WHY',
      'alma9_builder     7  noted  waits for lock cvmfs_shared, held by publish #3',
      'x              1200',
    ]);
  });

  test('cuts prose first, then leaves out what is optional, then cuts the rest: always marked', () => {
    const at = (width: number) => tableLines(fakeTerminal({ columns: width }), columns, rows);
    expect(at(60)).toEqual([
      'NAME              N  NOTE   WHY',
      'alma9_builder     7  noted  waits for lock cvmfs_shared, he…',
      'x              1200',
    ]);
    expect(at(43)).toEqual([
      expect.stringMatching(/^NAME {14}N {2}WHY +…$/),
      expect.stringMatching(/^alma9_builder {5}7 {2}waits for loc.*…$/),
      'x              1200',
    ]);
    expect(at(24)[1]).toBe('alma9…     7  waits…');
  });

  test.each([200, 80, 60, 43, 40, 30, 24])('is never wider than a terminal of %i columns', (width) => {
    for (const line of tableLines(fakeTerminal({ columns: width }), columns, rows))
      expect(widthOf(line)).toBeLessThanOrEqual(width);
  });

  test('leaves out empty columns where there is no room', () => {
    const bare = rows.map((row) => ({ ...row, note: '' }));
    expect(tableLines(fakeTerminal({ columns: 72 }), columns, bare)[0]).toBe('NAME              N  WHY  …');
  });

  test('is coloured only where that is wanted, and hostile names do nothing', () => {
    const hostile = [{ name: '\u001b[2Jx\ny', count: 1, note: '', why: 'bad' }];
    expect(tableLines(fakeTerminal(), columns, hostile)[1]).toBe('␛[2Jx y  1        bad');
    expect(tableLines(fakeTerminal({ colour: true }), columns, hostile)[1]).toContain('\u001b[31mbad\u001b[39m');
  });
});
