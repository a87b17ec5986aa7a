import { expect, test } from 'vitest';
import { LineSearch } from './line-search.ts';

const piece = (...lines: string[]) => ({
  first: 100,
  lines: lines.length,
  text: Buffer.from(lines.map((line) => `${line}\n`).join('')),
});

const numbers = (search: LineSearch, given: ReturnType<typeof piece>) => search.hits(given).map(({ line }) => line);

test('text is found in any case, once a line, and as it is written', () => {
  const search = new LineSearch({ text: 'a.b', isExpression: false });
  expect(numbers(search, piece('x', 'A.B a.b', 'axb', '', 'so a.b', 'a.', 'b'))).toEqual([101, 104]);
});

test('an expression is held against each line by itself', () => {
  const search = new LineSearch({ text: '^(line|row) \\d+$', isExpression: true });
  expect(numbers(search, piece('line 1', 'a line 2', 'ROW 33', 'row', '4'))).toEqual([100, 102]);
});

test('colours do not stand between letters, and what was written over is not there', () => {
  const search = new LineSearch({ text: 'needle', isExpression: false });
  expect(numbers(search, piece('\u001b[31mnee\u001b[0mdle', 'needle\rthread', 'x'))).toEqual([100]);
  const raw = new LineSearch({ text: 'needle\\r', isExpression: true, isRaw: true });
  expect(numbers(raw, piece('\u001b[31mnee\u001b[0mdle', 'needle\rthread', 'x'))).toEqual([101]);
});

test('what is no expression is told, and one that takes for ever is stopped', () => {
  expect(() => new LineSearch({ text: '(', isExpression: true })).toThrow(/"\(" is no regular expression/);
  const search = new LineSearch({ text: '(a+)+$', isExpression: true });
  expect(() => search.hits(piece(`${'a'.repeat(200)}!`))).toThrow(/takes too long/);
});
