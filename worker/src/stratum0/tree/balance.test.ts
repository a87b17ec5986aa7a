import { describe, expect, test } from 'vitest';
import { chooseCatalogs } from './balance.ts';

const weights = { most: 100, least: 10 };

describe('nested catalogs by weight', () => {
  test('are not made while a catalog is small enough', () => {
    expect(
      chooseCatalogs(
        new Map([
          ['', 2],
          ['a', 60],
          ['b', 30],
        ]),
        new Set(),
        weights,
      ),
    ).toEqual([]);
  });

  test('begin at the heaviest directories, until the rest is half of the limit', () => {
    const tree = new Map([
      ['', 3],
      ['a', 60],
      ['b', 40],
      ['c', 30],
    ]);
    expect(chooseCatalogs(tree, new Set(), weights)).toEqual(['a', 'b']);
  });

  test('begin inside a directory that alone is too heavy, before it itself', () => {
    const tree = new Map([
      ['', 1],
      ['a', 2],
      ['a/x', 70],
      ['a/y', 45],
    ]);
    expect(chooseCatalogs(tree, new Set(), weights)).toEqual(['a/x']);
  });

  test('are not made for little, nor twice, nor can they split one large directory', () => {
    const flat = new Map([['', 101], ...Array.from({ length: 100 }, (_, i): [string, number] => [`d${i}`, 3])]);
    expect(chooseCatalogs(flat, new Set(), weights)).toEqual([]);
    expect(
      chooseCatalogs(
        new Map([
          ['', 1],
          ['a', 500],
        ]),
        new Set(['a']),
        weights,
      ),
    ).toEqual([]);
  });
});
