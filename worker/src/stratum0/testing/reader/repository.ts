import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { inflateSync } from 'node:zlib';
import { type CatalogContent, type CatalogRow, pathKey, readCatalog } from './catalog.ts';
import { hashLike, readManifest, readWhitelist, sha1, verifyManifest } from './signatures.ts';

/** A name of the tree, as a client shows it; `path` with one character a byte, the root empty. */
export interface ReadEntry {
  readonly path: string;
  readonly type: 'f' | 'd' | 'l';
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: number;
  readonly links: number;
  /** Names that are hard links of each other have the same; null: only this name. */
  readonly linkedAs: string | null;
  readonly target: string | null;
  /** SHA-1 of a file's content. */
  readonly content: string | null;
}

export interface ReadTag {
  readonly name: string;
  readonly root: string;
  readonly revision: number;
  readonly size: number;
  readonly description: string;
}

/** One catalog of the tree that was read. */
export interface ReadCatalog {
  readonly path: string;
  readonly hash: string;
  readonly size: number;
  readonly content: CatalogContent;
}

export interface ReadRepository {
  readonly fields: ReadonlyMap<string, string>;
  readonly tags: readonly ReadTag[];
  readonly references: ReadonlyMap<string, number>;
  readonly reflogHash: string;
  /** Reads and verifies a whole tree: of the manifest's root catalog, or of a tag's. */
  tree(root?: { readonly hash: string; readonly size: number }): {
    readonly entries: ReadonlyMap<string, ReadEntry>;
    readonly catalogs: readonly ReadCatalog[];
  };
}

const FLAG = { directory: 1, transition: 2, file: 4, link: 8, nestedRoot: 32, chunked: 64 };

/** Opens a repository in a served directory, verifying it from the whitelist to history and reflog. Throws on any fault. */
export function readRepository(directory: string, masterKey: string, now: Date): ReadRepository {
  const file = (name: string) => readFileSync(`${directory}/${name}`);
  const object = (hash: string, suffix: string): Buffer => {
    const packed = file(`data/${hash.slice(0, 2)}/${hash.slice(2)}${suffix}`);
    assert.equal(hashLike(hash, packed), hash, `object ${hash}${suffix}`);
    return inflateSync(packed);
  };
  const { fields, signed } = readManifest(file('.cvmfspublished'));
  const get = (letter: string): string => fields.get(letter) ?? '';
  const whitelist = readWhitelist(file('.cvmfswhitelist'), masterKey);
  assert.equal(whitelist.name, get('N'));
  assert.ok(whitelist.expires > now, 'the whitelist has expired');
  verifyManifest(signed, object(get('X'), 'X'), whitelist);
  JSON.parse(object(get('M'), 'M').toString());
  const reflog = file('.cvmfsreflog');
  const references = rows(reflog, 'SELECT hash, type FROM refs').map(({ hash, type }): [string, number] => [
    String(hash),
    Number(type),
  ]);
  const logged = new Map(references);
  for (const [letter, type] of Object.entries({ C: 0, X: 1, H: 2, M: 3 }))
    assert.equal(logged.get(get(letter)), type, `reflog: ${letter}`);
  const tags = readTags(object(get('H'), 'H'), get('N'));
  const trunk = tags.find(({ name }) => name === 'trunk');
  assert.deepEqual([trunk?.root, trunk?.revision, trunk?.size], [get('C'), Number(get('S')), Number(get('B'))]);
  return {
    fields,
    tags,
    references: logged,
    reflogHash: hashLike(get('Y'), reflog),
    tree: (root = { hash: get('C'), size: Number(get('B')) }) => new Walk(object).all(root),
  };
}

function rows(image: Uint8Array, sql: string) {
  const database = new DatabaseSync(':memory:');
  try {
    database.deserialize(image);
    return database.prepare(sql).all();
  } finally {
    database.close();
  }
}

function readTags(image: Uint8Array, name: string): ReadTag[] {
  const properties = rows(image, 'SELECT key, value FROM properties');
  const values = new Map(properties.map(({ key, value }) => [String(key), String(value)]));
  assert.deepEqual([values.get('schema'), values.get('schema_revision'), values.get('fqrn')], ['1.0', '3', name]);
  assert.deepEqual(
    rows(image, 'SELECT branch, parent, initial_revision AS first FROM branches').map((row) => ({ ...row })),
    [{ branch: '', parent: null, first: 0 }],
  );
  return rows(image, "SELECT * FROM tags WHERE branch = '' AND channel = 0 ORDER BY revision, name").map((row) => ({
    name: String(row.name),
    root: String(row.hash),
    revision: Number(row.revision),
    size: Number(row.size),
    description: String(row.description),
  }));
}

type Counts = Record<string, number>;

/** Reads catalog after catalog, from the root, with all files. */
class Walk {
  readonly #object: (hash: string, suffix: string) => Buffer;
  readonly #entries = new Map<string, ReadEntry>();
  readonly #catalogs: ReadCatalog[] = [];
  constructor(object: (hash: string, suffix: string) => Buffer) {
    this.#object = object;
  }

  all(root: { readonly hash: string; readonly size: number }) {
    this.#catalog('', root.hash, root.size, null);
    return { entries: this.#entries, catalogs: this.#catalogs };
  }

  /** Gives what the catalog and those below it hold. */
  #catalog(path: string, hash: string, size: number, transition: CatalogRow | null): Counts {
    const image = this.#object(hash, 'C');
    assert.equal(image.length, size, `catalog ${path}: size`);
    const content = readCatalog(image);
    this.#catalogs.push({ path, hash, size, content });
    assert.equal(content.properties.get('schema'), '2.5');
    assert.equal(content.properties.get('root_prefix') ?? '', path);
    const byParent = Map.groupBy(content.rows, ({ parent }) => parent);
    const own = content.rows.find(({ key }) => key === pathKey(path));
    assert.ok(own !== undefined, `catalog ${path}: its own directory is missing`);
    assert.equal(own.flags, path === '' ? FLAG.directory : FLAG.directory | FLAG.nestedRoot);
    if (path === '') assert.equal(own.parent, '0:0');
    if (transition !== null) assert.deepEqual({ ...transition, flags: own.flags }, own, `catalog ${path}: border`);
    if (path !== '')
      assert.ok(
        byParent.get(own.key)?.some(({ name }) => name === '.cvmfscatalog'),
        `${path}: marker`,
      );
    const self: Counts = {
      dir: 1,
      regular: 0,
      symlink: 0,
      file_size: 0,
      nested: 0,
      chunked: 0,
      chunked_size: 0,
      chunks: 0,
      xattr: own.attributes === null ? 0 : 1,
    };
    let seen = 1;
    const visit = (directory: string, row: CatalogRow): void => {
      const children = byParent.get(pathKey(directory)) ?? [];
      seen += children.length;
      this.#directory(directory, row, children);
      for (const child of children) {
        const below = `${directory}/${child.name}`;
        assert.equal(child.key, pathKey(below), `${below}: key`);
        assert.ok(child.name !== '' && !child.name.includes('/'), `${below}: name`);
        this.#count(self, child, content);
        if ((child.flags & FLAG.transition) !== 0)
          assert.equal(byParent.get(child.key), undefined, `${below}: not empty`);
        else if ((child.flags & FLAG.directory) !== 0) visit(below, child);
        else this.#leaf(below, child, content);
      }
    };
    visit(path, own);
    assert.equal(seen, content.rows.length, `catalog ${path}: rows that belong nowhere`);
    const subtree = this.#nested(path, content);
    this.#compare(path, 'self', self, content);
    this.#compare(path, 'subtree', subtree, content);
    return sum(self, subtree);
  }

  #nested(path: string, content: CatalogContent): Counts {
    const totals: Counts[] = [];
    const borders = content.rows.filter(({ flags }) => (flags & FLAG.transition) !== 0);
    assert.equal(borders.length, content.nested.length, `catalog ${path}: nested catalogs`);
    for (const nested of content.nested) {
      const border = borders.find(({ key }) => key === pathKey(nested.path));
      assert.ok(border !== undefined, `catalog ${path}: ${nested.path} has no transition point`);
      assert.equal(border.flags, FLAG.directory | FLAG.transition);
      totals.push(this.#catalog(nested.path, nested.hash, nested.size, border));
    }
    return sum(...totals);
  }

  #compare(path: string, prefix: string, counted: Counts, { statistics }: CatalogContent): void {
    const names = [...statistics.keys()].filter((name) => name.startsWith(`${prefix}_`));
    assert.equal(names.length, 12, `catalog ${path}: ${prefix} counters`);
    for (const name of names)
      assert.equal(statistics.get(name), counted[name.slice(prefix.length + 1)] ?? 0, `catalog ${path}: ${name}`);
  }

  #count(self: Counts, row: CatalogRow, content: CatalogContent): void {
    const add = (name: string, value = 1): void => {
      self[name] = (self[name] ?? 0) + value;
    };
    if ((row.flags & FLAG.directory) !== 0) add('dir');
    else if ((row.flags & FLAG.link) !== 0) add('symlink');
    else {
      add('regular');
      add('file_size', row.size);
    }
    if (row.attributes !== null) add('xattr');
    if ((row.flags & FLAG.transition) !== 0) add('nested');
    if ((row.flags & FLAG.chunked) === 0) return;
    add('chunked');
    add('chunked_size', row.size);
    add('chunks', content.chunks.get(row.key)?.length ?? 0);
  }

  #add(path: string, row: CatalogRow, type: 'f' | 'd' | 'l', more: Partial<ReadEntry>): void {
    const { mode, uid, gid, size, mtime, linkCount: links } = row;
    const base = { path: path.slice(1), type, mode: mode & 0o7777, uid, gid, size, mtime, links };
    this.#entries.set(base.path, { ...base, linkedAs: null, target: null, content: null, ...more });
  }

  #directory(path: string, row: CatalogRow, children: readonly CatalogRow[]): void {
    assert.equal(row.mode & 0o170000, 0o040000, `${path}: mode`);
    assert.equal(
      row.linkCount,
      2 + children.filter(({ flags }) => (flags & FLAG.directory) !== 0).length,
      `${path}: links`,
    );
    assert.deepEqual([row.linkGroup, row.hash, row.target], [0, null, ''], path);
    this.#add(path, row, 'd', {});
    const groups = Map.groupBy(
      children.filter(({ linkGroup }) => linkGroup > 0),
      ({ linkGroup }) => linkGroup,
    );
    for (const child of children.filter(({ flags }) => (flags & FLAG.directory) === 0)) {
      const group = groups.get(child.linkGroup) ?? [child];
      assert.equal(child.linkCount, group.length, `${path}/${child.name}: links`);
      assert.equal(child.linkCount > 1, child.linkGroup > 0, `${path}/${child.name}: group`);
      const [first] = group;
      const same = (row: CatalogRow | undefined) => ({ ...row, name: '', key: '' });
      assert.deepEqual(same(child), same(first), `${path}/${child.name}: differs from its hard links`);
    }
  }

  #leaf(path: string, row: CatalogRow, content: CatalogContent): void {
    if ((row.flags & FLAG.link) !== 0) {
      assert.deepEqual([row.flags, row.mode & 0o170000, row.hash], [FLAG.file | FLAG.link, 0o120000, null], path);
      assert.equal(row.size, row.target.length, `${path}: size of the link`);
      this.#add(path, row, 'l', { target: row.target });
      return;
    }
    assert.equal(row.mode & 0o170000, 0o100000, `${path}: mode`);
    const linkedAs = row.linkGroup === 0 ? null : `${row.linkGroup} ${row.parent}`;
    this.#add(path, row, 'f', { linkedAs, content: sha1(this.#content(path, row, content)) });
  }

  #content(path: string, row: CatalogRow, content: CatalogContent): Buffer {
    const chunks = content.chunks.get(row.key) ?? [];
    // Three bits from 2^8 on name the hash algorithm.
    const flags = row.flags & ~0x700;
    const algorithm = ['', '-rmd160', '-shake128'][row.flags >> 8];
    assert.ok(algorithm !== undefined, `${path}: hash algorithm`);
    if (row.hash !== null) {
      assert.deepEqual([flags, chunks.length], [FLAG.file, 0], `${path}: flags`);
      const whole = this.#object(`${row.hash}${algorithm}`, '');
      assert.equal(whole.length, row.size, `${path}: size`);
      return whole;
    }
    assert.equal(flags, FLAG.file | FLAG.chunked, `${path}: flags`);
    assert.ok(chunks.length > 1, `${path}: chunks`);
    let offset = 0;
    const parts = chunks.map((chunk) => {
      const part = this.#object(`${chunk.hash}${algorithm}`, 'P');
      assert.deepEqual([chunk.offset, chunk.size], [offset, part.length], `${path}: chunk`);
      offset += part.length;
      return part;
    });
    assert.equal(offset, row.size, `${path}: size of all chunks`);
    return Buffer.concat(parts);
  }
}

function sum(...all: readonly Counts[]): Counts {
  const total: Counts = {};
  for (const counts of all)
    for (const [name, value] of Object.entries(counts)) total[name] = (total[name] ?? 0) + value;
  return total;
}
