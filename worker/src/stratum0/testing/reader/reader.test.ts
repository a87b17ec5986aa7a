import { generateKeyPairSync } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { STOCK_TIME, type StockRepository, stockListing, stockRepository } from '../stock.ts';
import { readRepository } from './repository.ts';

describe('the independent reader, on what the stock tools made', () => {
  let stock: StockRepository;
  beforeAll(() => {
    stock = stockRepository();
  });
  afterAll(() => stock.remove());

  const open = (now = STOCK_TIME) => readRepository(stock.directory, stock.masterKey, now);

  test.each(['first', 'second'] as const)('finds exactly the tree that the client showed at the tag "%s"', (tag) => {
    const repository = open();
    const found = repository.tags.find(({ name }) => name === tag);
    const { entries } = repository.tree({ hash: found?.root ?? '', size: found?.size ?? 0 });
    const read = [...entries.values()].map(({ linkedAs, ...entry }) => entry);
    const shown = stockListing(tag);
    // Of the root the client showed the mount point of the overlay: its time and link count are not the repository's.
    const rootOf = read.find(({ path }) => path === '');
    const root = shown.get('');
    if (root !== undefined && rootOf !== undefined)
      shown.set('', { ...root, mtime: rootOf.mtime, links: rootOf.links });
    const byPath = (a: { path: string }, b: { path: string }) => (a.path < b.path ? -1 : 1);
    expect(read.sort(byPath)).toEqual([...shown.values()].sort(byPath));
  });

  test('finds tags, log of references and manifest in order', () => {
    const { tags, fields, references, reflogHash } = open();
    expect(tags.map(({ name, revision }) => `${revision} ${name}`)).toEqual([
      '1 generic-2026-11-21T03:48:43Z',
      '2 first',
      '2 trunk-previous',
      '3 second',
      '3 trunk',
    ]);
    expect(fields.get('Y')).toBe(reflogHash);
    expect(references.size).toBe(9);
  });

  test('refuses an expired whitelist and another master key', () => {
    expect(() => open(new Date('2027-01-01'))).toThrow('expired');
    const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ type: 'spki', format: 'pem' });
    expect(() => readRepository(stock.directory, String(other), STOCK_TIME)).toThrow();
  });

  test('refuses the repository when any kind of object lost a byte', () => {
    const { fields, tree } = open();
    const { catalogs } = tree();
    const [chunk] = catalogs.flatMap(({ content }) => [...content.chunks.values()].flat());
    const [file] = catalogs.flatMap(({ content }) => content.rows.flatMap(({ hash }) => hash ?? []));
    const names = [`${chunk?.hash}P`, `${file}`, `${fields.get('H')}H`, `${fields.get('X')}X`, `${fields.get('M')}M`];
    for (const name of [...names, ...catalogs.map(({ hash }) => `${hash}C`)]) {
      const path = join(stock.directory, 'data', name.slice(0, 2), name.slice(2));
      const sound = readFileSync(path);
      writeFileSync(path, sound.subarray(1));
      expect(() => open().tree(), name).toThrow();
      writeFileSync(path, sound);
    }
    open().tree();
  });
});
