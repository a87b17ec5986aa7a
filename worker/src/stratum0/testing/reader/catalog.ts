import { createHash } from 'node:crypto';
import { DatabaseSync, type SQLOutputValue } from 'node:sqlite';

// See signatures.ts. Rules: CernVM-FS technical documentation, "File Catalog", "Nested Catalogs" and "Catalog Statistics";
// what `cvmfs_server check` demands of links, markers and counters.

/** A row of `catalog`; names and link targets with one character a byte. */
export interface CatalogRow {
  readonly name: string;
  readonly flags: number;
  readonly mode: number;
  readonly size: number;
  readonly mtime: number;
  readonly uid: number;
  readonly gid: number;
  readonly linkCount: number;
  readonly linkGroup: number;
  readonly hash: string | null;
  readonly target: string;
  /** The column `xattr`. */
  readonly attributes: string | null;
  readonly key: string;
  readonly parent: string;
}

export interface ChunkRow {
  readonly offset: number;
  readonly size: number;
  readonly hash: string;
}

export interface NestedRow {
  readonly path: string;
  readonly hash: string;
  readonly size: number;
}

/** All that one catalog database says. */
export interface CatalogContent {
  readonly tables: ReadonlyMap<string, readonly string[]>;
  readonly properties: ReadonlyMap<string, string>;
  readonly statistics: ReadonlyMap<string, number>;
  readonly rows: readonly CatalogRow[];
  readonly chunks: ReadonlyMap<string, readonly ChunkRow[]>;
  readonly nested: readonly NestedRow[];
}

const hex = (value: SQLOutputValue | undefined): string | null =>
  value instanceof Uint8Array ? Buffer.from(value).toString('hex') : null;
const latin1 = (value: SQLOutputValue | undefined): string =>
  value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : '';

/** Two signed 64-bit numbers as one key. */
const keyOf = (a: SQLOutputValue | undefined, b: SQLOutputValue | undefined): string => `${a}:${b}`;

/** The key of an absolute path (`/a/b`; the root is empty): halves of its MD5, little-endian. */
export function pathKey(path: string): string {
  const digest = createHash('md5').update(Buffer.from(path, 'latin1')).digest();
  const view = new DataView(digest.buffer, digest.byteOffset, 16);
  return keyOf(view.getBigInt64(0, true), view.getBigInt64(8, true));
}

export function readCatalog(image: Uint8Array): CatalogContent {
  const database = new DatabaseSync(':memory:');
  try {
    database.deserialize(image);
    const all = (sql: string) => {
      const statement = database.prepare(sql);
      statement.setReadBigInts(true);
      return statement.all();
    };
    const tables = all("SELECT name FROM sqlite_master WHERE type = 'table'").map(({ name }): [string, string[]] => [
      String(name),
      all(`PRAGMA table_info(${String(name)})`).map((column) => `${column.name} ${column.type}`),
    ]);
    const chunks = new Map<string, ChunkRow[]>();
    for (const row of all('SELECT * FROM chunks ORDER BY offset')) {
      const key = keyOf(row.md5path_1, row.md5path_2);
      const chunk = { offset: Number(row.offset), size: Number(row.size), hash: hex(row.hash) ?? '' };
      chunks.set(key, [...(chunks.get(key) ?? []), chunk]);
    }
    return {
      tables: new Map(tables),
      properties: new Map(
        all('SELECT key, CAST(value AS BLOB) AS value FROM properties').map((row) => [
          String(row.key),
          latin1(row.value),
        ]),
      ),
      statistics: new Map(
        all('SELECT * FROM statistics').map(({ counter, value }) => [String(counter), Number(value)]),
      ),
      rows: all('SELECT *, CAST(name AS BLOB) AS n, CAST(symlink AS BLOB) AS s FROM catalog').map(readRow),
      chunks,
      nested: all('SELECT CAST(path AS BLOB) AS path, sha1, size FROM nested_catalogs').map((row) => ({
        path: latin1(row.path),
        hash: String(row.sha1),
        size: Number(row.size),
      })),
    };
  } finally {
    database.close();
  }
}

function readRow(row: Record<string, SQLOutputValue>): CatalogRow {
  const hardlinks = BigInt(String(row.hardlinks));
  return {
    name: latin1(row.n),
    flags: Number(row.flags),
    mode: Number(row.mode),
    size: Number(row.size),
    mtime: Number(row.mtime),
    uid: Number(row.uid),
    gid: Number(row.gid),
    linkCount: Number(hardlinks & 0xffffffffn),
    linkGroup: Number(hardlinks >> 32n),
    hash: hex(row.hash),
    target: latin1(row.s),
    attributes: hex(row.xattr),
    key: keyOf(row.md5path_1, row.md5path_2),
    parent: keyOf(row.parent_1, row.parent_2),
  };
}
