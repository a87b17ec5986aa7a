import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { type Catalog, createCatalog, loadCatalog } from './catalog.ts';
import type { CatalogEntry } from './entry.ts';

const file = (path: string, more: Partial<CatalogEntry> = {}): CatalogEntry => ({
  path,
  type: 'file',
  mode: 0o644,
  uid: 0,
  gid: 0,
  sizeBytes: 1,
  mtime: 1,
  mtimeNanoseconds: null,
  hash: 'ab'.repeat(20),
  chunks: [],
  target: null,
  attributes: null,
  linkCount: 1,
  linkGroup: 0,
  border: 'none',
  ...more,
});

/** Names with the numbers of their rows, of which clients make inodes. */
function numbersIn(catalog: Catalog): Record<string, number> {
  const database = new DatabaseSync(':memory:');
  database.deserialize(catalog.image());
  const rows = database.prepare('SELECT rowid, CAST(name AS TEXT) AS name FROM catalog').all();
  return Object.fromEntries(rows.map((row) => [String(row.name), Number(row.rowid)]));
}

describe('the numbers of rows', () => {
  test('stay while an entry changes, whatever changes in it', () => {
    const catalog = createCatalog('');
    for (const name of ['a', 'b', 'c']) catalog.put(file(name));
    const before = numbersIn(catalog);
    const chunks = [{ offset: 0, sizeBytes: 9, hash: 'cd'.repeat(20) }];
    const changed = [
      file('a', { sizeBytes: 9, mtime: 2, mtimeNanoseconds: 5, uid: 7, gid: 8, hash: null, chunks, attributes: 'x' }),
      file('b', { type: 'symlink', mode: 0o777, target: 'to', sizeBytes: 2, hash: null, linkCount: 2, linkGroup: 4 }),
    ];
    for (const entry of changed) catalog.put(entry);
    expect(numbersIn(catalog)).toEqual(before);
    expect(changed.map(({ path }) => catalog.lookup(path))).toEqual(changed);
  });

  test('are given anew, in their order, once more than a quarter of them is unused', () => {
    const catalog = createCatalog('');
    const names = Array.from({ length: 20 }, (_, i) => `f${i}`);
    // Names need not be UTF-8.
    for (const name of [...names, '\xff']) catalog.put(file(name));
    for (const name of names.slice(1, 6)) catalog.remove(name);
    expect(Math.max(...Object.values(numbersIn(catalog)))).toBe(21);
    catalog.remove('f6');
    expect(Object.values(numbersIn(catalog))).toEqual(Array.from({ length: 15 }, (_, i) => i + 1));
    const again = loadCatalog('', catalog.image(), 'it');
    expect(again.list('').map(({ path }) => path)).toEqual(['f0', ...names.slice(7), '\xff']);
  });
});

test('groups of hard links have numbers of 32 bits', () => {
  const catalog = createCatalog('');
  // Beyond 2 ** 21 both numbers together are more than a number of JavaScript holds exactly.
  const links = [2 ** 21 - 1, 2 ** 21, 3_000_001, 2 ** 32 - 1].map((linkGroup) =>
    file(`in ${linkGroup}`, { linkGroup, linkCount: 3 }),
  );
  for (const entry of links) catalog.put(entry);
  const again = loadCatalog('', catalog.image(), 'it');
  expect(links.map(({ path }) => again.lookup(path))).toEqual(links);
  expect(again.lastLinkGroup()).toBe(2 ** 32 - 1);
});
