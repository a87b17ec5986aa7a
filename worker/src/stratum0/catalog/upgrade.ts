import type { DatabaseSync } from 'node:sqlite';
import { Stratum0Error } from '../errors.ts';
import { bytes } from './memory-database.ts';
import { SCHEMA, SCHEMA_REVISION } from './schema.ts';

/** What each revision of schema 2.5 has added to the one before, as the stock tools' publishers add it when they write. */
const ADDITIONS: Readonly<Record<number, string>> = {
  1: 'ALTER TABLE nested_catalogs ADD size INTEGER',
  2: 'ALTER TABLE catalog ADD xattr BLOB',
  4: 'CREATE TABLE bind_mountpoints (path TEXT, sha1 TEXT, size INTEGER, CONSTRAINT pk_bind_mountpoints PRIMARY KEY (path))',
  7: 'ALTER TABLE catalog ADD mtimens INTEGER',
};

/**
 * Brings a catalog of older stock tools (2.11 and before wrote revision 6 and less) to the revision that we write.
 * Counters that it lacks count as 0 until it is written. Throws `damaged_object` for another schema, and for a later
 * revision: what that has added would be lost.
 */
export function upgradeCatalog(database: DatabaseSync, what: string): void {
  const properties = database.prepare('SELECT key, value FROM properties').all();
  const values = new Map(properties.map(({ key, value }) => [bytes(key), bytes(value)]));
  const schema = values.get('schema') ?? 'none';
  const revision = Number(values.get('schema_revision') ?? 0);
  if (Number(schema) !== Number(SCHEMA) || !(revision <= Number(SCHEMA_REVISION)))
    throw new Stratum0Error(
      'damaged_object',
      `${what} is a catalog of schema ${schema}, revision ${revision}; only ${SCHEMA} up to revision ${SCHEMA_REVISION} can be read`,
    );
  if (revision === Number(SCHEMA_REVISION)) return;
  for (let next = revision + 1; next <= Number(SCHEMA_REVISION); next += 1) database.exec(ADDITIONS[next] ?? '');
  database.prepare("INSERT OR REPLACE INTO properties (key, value) VALUES ('schema_revision', ?)").run(SCHEMA_REVISION);
}
