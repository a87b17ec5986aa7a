import { expect, test } from 'vitest';
import { foldsOf, NO_FOLDS } from './folds.ts';

test('rows and lines are told from each other around what is folded', () => {
  const folds = foldsOf([
    { first: 3, last: 5 },
    { first: 10, last: 10 },
    { first: 4, last: 6 },
  ]);
  expect(folds.hidden).toBe(5);
  expect([0, 1, 2, 3, 4, 5, 6, 7].map(folds.lineOf)).toEqual([0, 1, 2, 7, 8, 9, 11, 12]);
  expect([0, 2, 7, 9, 11].map(folds.rowOf)).toEqual([0, 2, 3, 5, 6]);
  expect([3, 6, 10].map(folds.rowOf)).toEqual([2, 2, 5]);
});

test('without anything to fold every line is its row', () => {
  expect(foldsOf([{ first: 4, last: 3 }])).toBe(NO_FOLDS);
});
