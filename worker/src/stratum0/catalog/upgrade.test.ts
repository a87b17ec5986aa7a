import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { createCatalog, loadCatalog } from './catalog.ts';
import { hashPath } from './path-hash.ts';

/** The tables as the stock tools made them at each revision of schema 2.5. */
function tablesAt(revision: number): string {
  const column = (since: number, name: string) => (revision >= since ? `, ${name}` : '');
  return `
    CREATE TABLE catalog (md5path_1 INTEGER, md5path_2 INTEGER, parent_1 INTEGER, parent_2 INTEGER, hardlinks INTEGER,
      hash BLOB, size INTEGER, mode INTEGER, mtime INTEGER, flags INTEGER, name TEXT, symlink TEXT, uid INTEGER,
      gid INTEGER${column(2, 'xattr BLOB')}${column(7, 'mtimens INTEGER')},
      CONSTRAINT pk_catalog PRIMARY KEY (md5path_1, md5path_2));
    CREATE TABLE chunks (md5path_1 INTEGER, md5path_2 INTEGER, offset INTEGER, size INTEGER, hash BLOB);
    CREATE TABLE nested_catalogs (path TEXT, sha1 TEXT${column(1, 'size INTEGER')},
      CONSTRAINT pk_nested_catalogs PRIMARY KEY (path));
    ${revision >= 4 ? 'CREATE TABLE bind_mountpoints (path TEXT, sha1 TEXT, size INTEGER);' : ''}
    CREATE TABLE statistics (counter TEXT, value INTEGER, CONSTRAINT pk_statistics PRIMARY KEY (counter));
    CREATE TABLE properties (key TEXT, value TEXT, CONSTRAINT pk_properties PRIMARY KEY (key));
  `;
}

function imageAt(schema: string, revision: number): Uint8Array {
  const database = new DatabaseSync(':memory:');
  database.exec(tablesAt(revision));
  const set = database.prepare('INSERT INTO properties (key, value) VALUES (?, ?)');
  set.run('schema', schema);
  // The first revision had no number.
  if (revision !== 0) set.run('schema_revision', String(revision));
  const put = database.prepare(
    `INSERT INTO catalog (md5path_1, md5path_2, parent_1, parent_2, hardlinks, size, mode, mtime, flags, name, symlink,
     uid, gid) VALUES (?, ?, ?, ?, ?, 4096, ?, 7, 1, ?, '', 0, 0)`,
  );
  const [root, below] = [hashPath(''), hashPath('below')];
  put.run(root.first, root.second, 0, 0, 3, 0o040755, '');
  put.run(below.first, below.second, root.first, root.second, 2, 0o040700, 'below');
  database.exec(
    "INSERT INTO nested_catalogs (path, sha1) VALUES ('/below', '0123456789012345678901234567890123456789')",
  );
  return database.serialize();
}

/** Of each table, the columns in any order. */
function columnsOf(image: Uint8Array): Record<string, string[]> {
  const database = new DatabaseSync(':memory:');
  database.deserialize(image);
  const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all();
  return Object.fromEntries(
    tables.map(({ name }) => {
      const columns = database.prepare(`PRAGMA table_info(${String(name)})`).all();
      return [String(name), columns.map((column) => String(column.name)).sort()];
    }),
  );
}

describe('a catalog of other stock tools', () => {
  test.each([0, 1, 2, 3, 4, 5, 6, 7])('of revision %i is read, and written as of the newest', (revision) => {
    const catalog = loadCatalog('', imageAt('2.5', revision), 'it');
    const entry = catalog.lookup('below');
    expect(entry).toMatchObject({ type: 'directory', mode: 0o700, mtime: 7, mtimeNanoseconds: null, attributes: null });
    expect(catalog.nested()).toEqual(
      new Map([['below', { hash: '0123456789012345678901234567890123456789', sizeBytes: 0 }]]),
    );
    if (entry !== null) catalog.put({ ...entry, mode: 0o755 });
    expect(catalog.property('schema_revision')).toBe('7');
    const image = catalog.image();
    expect(columnsOf(image)).toEqual(columnsOf(createCatalog('').image()));
    expect(loadCatalog('', image, 'it').lookup('below')?.mode).toBe(0o755);
  });

  test('that was written with a write-ahead log is read, and written without', () => {
    const image = Uint8Array.from(createCatalog('').image());
    image.fill(2, 18, 20);
    const catalog = loadCatalog('', image, 'it');
    expect(catalog.property('schema')).toBe('2.5');
    expect([...catalog.image().subarray(18, 20)]).toEqual([1, 1]);
  });

  test.each([
    ['2.4', 0, 'schema 2.4'],
    ['1.0', 0, 'schema 1.0'],
    ['2.5', 8, 'revision 8'],
    ['2.5', Number.NaN, 'revision NaN'],
  ])('of schema %s, revision %i is refused by name', (schema, revision, told) => {
    expect(() => loadCatalog('', imageAt(schema, revision), 'data/ab/cdC')).toThrow(
      expect.objectContaining({
        code: 'damaged_object',
        message: expect.stringMatching(new RegExp(`^data/ab/cdC is .*${told}`)),
      }),
    );
  });
});
