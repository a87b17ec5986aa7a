import {
  chmodSync,
  lchownSync,
  lutimesSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { inflateSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { realContext } from './context.ts';
import { canonicalZlib } from './objects/canonical.ts';
import { repositoryPaths } from './paths.ts';
import { pathKey } from './testing/reader/catalog.ts';
import { type ReadCatalog, type ReadEntry, type ReadRepository, readRepository } from './testing/reader/repository.ts';
import { temporaryDirectory } from './testing/site.ts';
import { STOCK_TIME, type StockRepository, stockRepository } from './testing/stock.ts';
import { beginTransaction } from './verbs/begin.ts';
import { makeRepository } from './verbs/mkfs.ts';
import { publish } from './verbs/publish.ts';

const NAME = 'sample.icefall.example';
/** Seconds at which the stock tools made the revisions. */
const TIMES = { made: 1795232923, first: 1795232925, second: 1795232926 };
const TAGS = { first: 'everything once', second: 'removals, a rename, a type change' } as const;
type TagName = keyof typeof TAGS;
const isRoot = process.getuid?.() === 0;

/**
 * Our publisher is given the trees of the stock repository, at the same times. What it writes must be what the stock tools
 * wrote; each difference is named where it is taken out of the comparison.
 */
describe('catalogs of the stock trees', () => {
  const directory = temporaryDirectory();
  let stock: StockRepository;
  let theirs: ReadRepository;
  let ours: ReadRepository;

  beforeAll(async () => {
    stock = stockRepository();
    theirs = readRepository(stock.directory, stock.masterKey, STOCK_TIME);
    const at = (seconds: number) => ({ ...realContext(directory, 'test', () => {}), now: () => seconds * 1000 });
    await makeRepository(at(TIMES.made), NAME);
    const paths = repositoryPaths(directory, NAME);
    let before = new Map<string, ReadEntry>();
    for (const tag of ['first', 'second'] as const) {
      await beginTransaction(at(TIMES[tag]), NAME, '');
      const { entries, catalogs } = treeOf(theirs, tag);
      layOut(paths.mount, before, entries, contentsOf(stock.directory, catalogs));
      before = new Map(entries);
      await publish(at(TIMES[tag]), NAME, { tag, description: TAGS[tag] });
    }
    ours = readRepository(paths.served, readFileSync(paths.publicKey, 'utf8'), STOCK_TIME);
  }, 120_000);
  afterAll(() => {
    stock.remove();
    rmSync(directory, { recursive: true, force: true });
  });

  test.each(['first', 'second'] as const)('hold the same tree at the tag "%s"', (tag) => {
    expect([...treeOf(ours, tag).entries].sort()).toEqual([...treeOf(theirs, tag).entries].sort());
  });

  test.each(['first', 'second'] as const)('have the same tables, rows, counters and references at "%s"', (tag) => {
    const [mine, stocks] = [ours, theirs].map((repository) => {
      const tree = treeOf(repository, tag);
      return tree.catalogs
        .map((catalog) => comparable(catalog, tree.entries))
        .sort((a, b) => (a.path < b.path ? -1 : 1));
    });
    expect(mine).toEqual(stocks);
  });

  test('name the catalogs that they replace', () => {
    const [first, second] = (['first', 'second'] as const).map((tag) =>
      Object.fromEntries(treeOf(ours, tag).catalogs.map(({ path, hash }) => [path, hash])),
    );
    for (const { path, content, hash } of treeOf(ours, 'second').catalogs) {
      const isUntouched = hash === first?.[path];
      expect(content.properties.get('previous_revision'), path).toBe(isUntouched ? '0'.repeat(40) : first?.[path]);
    }
    // Untouched by the second revision, and not written again: the innermost one only, as with the stock tools.
    expect(Object.keys(second ?? {}).filter((path) => first?.[path] === second?.[path])).toEqual([
      '/nested/deep/inner',
    ]);
  });

  test('come with the same tags and manifest', () => {
    const tags = ({ tags: all }: ReadRepository) =>
      all.map(({ name, revision, description }) => [name, revision, description]);
    expect(tags(ours)).toEqual(tags(theirs));
    const fields = ({ fields: all }: ReadRepository) =>
      [...all].map(([letter, value]) => [letter, /^[0-9a-f]{40}$/.test(value) ? 'a hash' : value]);
    // B: databases of the same rows, but with pages filled in another order.
    const withoutSize = (all: string[][]) => all.filter(([letter]) => letter !== 'B');
    expect(withoutSize(fields(ours))).toEqual(withoutSize(fields(theirs)));
    expect(ours.references.size).toBe(theirs.references.size);
  });

  test('have certificate and description in the form that mirrors give them when they compress them anew', () => {
    // SHA-1 of what zlib itself makes of our description.
    expect(ours.fields.get('M')).toBe('213806070a14150e2a1735a3b8c01c1b3e11b865');
    const certificate = `${ours.fields.get('X')}X`;
    const object = join(directory, 'srv', NAME, 'data', certificate.slice(0, 2), certificate.slice(2));
    const stored = readFileSync(object);
    expect(canonicalZlib(inflateSync(stored)).equals(stored)).toBe(true);
  });
});

function treeOf(repository: ReadRepository, tag: TagName) {
  const found = repository.tags.find(({ name }) => name === tag);
  return repository.tree({ hash: found?.root ?? '', size: found?.size ?? 0 });
}

/** What has to be the same in both. */
function comparable({ path, content }: ReadCatalog, entries: ReadonlyMap<string, ReadEntry>) {
  const { properties, rows, nested, chunks } = content;
  const contentOf = new Map(
    [...entries.values()].map((entry) => [entry.path.slice(entry.path.lastIndexOf('/') + 1), entry]),
  );
  return {
    path,
    tables: [...content.tables].sort(),
    // Hashes of the catalogs before: another test's.
    properties: [...properties].filter(([key]) => key !== 'previous_revision').sort(),
    statistics: [...content.statistics].sort(),
    // Objects are named by the hash of their compressed form, and another zlib compresses otherwise: content is compared.
    rows: rows
      .map((row) => ({ ...row, hash: row.hash === null ? null : contentOf.get(row.name)?.content }))
      .sort((a, b) => (a.key < b.key ? -1 : 1)),
    chunks: [...chunks].map(([key, parts]) => [key, parts.map(({ offset, size }) => [offset, size])]).sort(),
    // Hash and size follow from the order in which rows came into a database.
    nested: nested.map((reference) => reference.path).sort(),
  };
}

/** Contents by their SHA-1 as the reader gives them, from the objects of a repository. */
function contentsOf(served: string, catalogs: readonly ReadCatalog[]): (entry: ReadEntry) => Buffer {
  const object = (hash: string, suffix: string) =>
    inflateSync(readFileSync(join(served, 'data', hash.slice(0, 2), `${hash.slice(2)}${suffix}`)));
  const files = new Map<string, () => Buffer>();
  for (const { content } of catalogs)
    for (const row of content.rows) {
      const parts = content.chunks.get(row.key) ?? [];
      const { hash } = row;
      if (hash !== null) files.set(row.key, () => object(hash, ''));
      else if (parts.length > 0) files.set(row.key, () => Buffer.concat(parts.map((part) => object(part.hash, 'P'))));
    }
  return ({ path }) => files.get(pathKey(`/${path}`))?.() ?? Buffer.alloc(0);
}

/** Makes the tree on disk; what is there already and stays the same is not touched. */
function layOut(
  mount: string,
  before: ReadonlyMap<string, ReadEntry>,
  after: ReadonlyMap<string, ReadEntry>,
  contentOf: (entry: ReadEntry) => Buffer,
): void {
  const place = (path: string) => join(mount, Buffer.from(path, 'latin1').toString());
  for (const [path, old] of before)
    if (after.get(path)?.type !== old.type) rmSync(place(path), { recursive: true, force: true });
  const inOrder = [...after.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  for (const entry of inOrder) {
    if (entry.path === '' || JSON.stringify(before.get(entry.path)) === JSON.stringify(entry)) continue;
    if (entry.type === 'd') mkdirSync(place(entry.path), { recursive: true });
    else if (entry.type === 'l') symlinkSync(entry.target ?? '', place(entry.path));
    else writeFileSync(place(entry.path), contentOf(entry));
  }
  for (const entry of inOrder.reverse()) {
    if (entry.path === '') continue;
    if (isRoot) lchownSync(place(entry.path), entry.uid, entry.gid);
    if (entry.type !== 'l') chmodSync(place(entry.path), entry.mode);
    lutimesSync(place(entry.path), entry.mtime, entry.mtime);
  }
}
