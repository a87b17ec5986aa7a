import type { DatabaseSync } from 'node:sqlite';
import { bytes, imageOf, integer, loadDatabase, newDatabase, toText } from '../catalog/memory-database.ts';
import { NO_HASH } from '../catalog/schema.ts';
import { Stratum0Error } from '../errors.ts';

/** A named revision. */
export interface Tag {
  readonly name: string;
  readonly root: string;
  readonly revision: number;
  /** Seconds since the epoch. */
  readonly publishedAt: number;
  readonly description: string;
  /** Of the root catalog's database. */
  readonly rootSizeBytes: number;
}

/** Names that the stock tools keep for the newest revision and the one before it. */
export const TRUNK = 'trunk';
export const TRUNK_PREVIOUS = 'trunk-previous';
/** The names of tags that a publish without a tag of its own gets: the time, and a number before it if need be. */
const GENERIC = /^generic(?:_\d+)?-\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;
/** Generic tags older than this are removed by the next publish (parameter CVMFS_AUTO_TAG_TIMESPAN). */
const GENERIC_DAYS = 30;

/** The tables of a history database, column for column as the stock tools make them (schema 1.0, revision 3). */
const TABLES = `
CREATE TABLE properties (key TEXT, value TEXT, CONSTRAINT pk_properties PRIMARY KEY (key));
CREATE TABLE branches (branch TEXT, parent TEXT, initial_revision INTEGER,  CONSTRAINT pk_branch PRIMARY KEY (branch),   FOREIGN KEY (parent) REFERENCES branches (branch),   CHECK ((branch <> '') OR (parent IS NULL)),   CHECK ((branch = '') OR (parent IS NOT NULL)));
CREATE TABLE tags (name TEXT, hash TEXT, revision INTEGER,   timestamp INTEGER, channel INTEGER, description TEXT, size INTEGER,   branch TEXT, CONSTRAINT pk_tags PRIMARY KEY (name),   FOREIGN KEY (branch) REFERENCES branches (branch));
CREATE TABLE recycle_bin (hash TEXT, flags INTEGER,   CONSTRAINT pk_hash PRIMARY KEY (hash));
`;

/** The object that lists a repository's tags, as a database; `previous` is the hash of the one it replaces. */
export function encodeHistory(repository: string, tags: readonly Tag[], previous: string = NO_HASH): Uint8Array {
  const database = newDatabase(TABLES);
  try {
    const set = database.prepare('INSERT INTO properties (key, value) VALUES (?, ?)');
    const properties = { schema: '1.0', schema_revision: '3', fqrn: repository, previous_revision: previous };
    for (const [key, value] of Object.entries(properties)) set.run(key, value);
    database.exec("INSERT INTO branches (branch, parent, initial_revision) VALUES ('', NULL, 0)");
    const insert = database.prepare(
      `INSERT INTO tags (name, hash, revision, timestamp, channel, description, size, branch)
       VALUES (?, ?, ?, ?, 0, CAST(? AS TEXT), ?, '')`,
    );
    for (const tag of tags.toSorted((a, b) => a.revision - b.revision))
      insert.run(
        tag.name,
        tag.root,
        tag.revision,
        tag.publishedAt,
        toText(Buffer.from(tag.description).toString('latin1')),
        tag.rootSizeBytes,
      );
    return imageOf(database);
  } finally {
    database.close();
  }
}

/** The tags, newest revision first. Throws `bad_history`, for branches too: they would be lost when it is written. */
export function decodeHistory(image: Uint8Array): Tag[] {
  let database: DatabaseSync | null = null;
  try {
    database = loadDatabase(image, 'the history object');
    // Before revision 3 of the schema there were none.
    const hasBranches = database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'branches'").get() !== undefined;
    const named = hasBranches ? database.prepare("SELECT branch FROM branches WHERE branch <> ''").get() : undefined;
    if (named !== undefined) throw new Error(`the branch "${bytes(named.branch)}" in it is not supported`);
    const rows = database
      .prepare(
        'SELECT name, hash, revision, timestamp, CAST(description AS BLOB) AS description, size FROM tags ORDER BY revision DESC, name',
      )
      .all();
    return rows.map((row) => ({
      name: bytes(row.name),
      root: bytes(row.hash),
      revision: integer(row.revision),
      publishedAt: integer(row.timestamp),
      description: Buffer.from(bytes(row.description), 'latin1').toString(),
      rootSizeBytes: integer(row.size),
    }));
  } catch (error) {
    throw new Stratum0Error('bad_history', `the history object is not a list of tags: ${String(error)}`);
  } finally {
    database?.close();
  }
}

/** Checks a tag's name. Throws `usage` or, where it is taken, `tag_exists`. */
export function checkNewTag(tags: readonly Tag[], name: string): void {
  if (!/^[A-Za-z0-9_.@+:-]+$/.test(name) || name === TRUNK || name === TRUNK_PREVIOUS)
    throw new Stratum0Error(
      'usage',
      `"${name}" cannot be a tag: use letters, digits and _ . @ + : - (and not ${TRUNK})`,
    );
  if (tags.some((tag) => tag.name === name))
    throw new Stratum0Error('tag_exists', `the tag "${name}" is already in use`);
}

/** A revision that has no name yet. */
export type NewestRevision = Omit<Tag, 'name' | 'description'>;

/** A tag's name and description, as somebody gave them; null for a publish without a tag. */
export type GivenTag = Pick<Tag, 'name' | 'description'> | null;

/**
 * The tags after a publish: trunk moves on, and the revision gets the given tag, or a generic one that tells the time
 * (as with CVMFS_AUTO_TAG, the stock default). Generic tags of long ago go.
 */
export function advanceHistory(tags: readonly Tag[], newest: NewestRevision, given: GivenTag): Tag[] {
  const trunk = tags.find((tag) => tag.name === TRUNK);
  const oldest = newest.publishedAt - GENERIC_DAYS * 86_400;
  const kept = tags.filter(
    ({ name, publishedAt }) =>
      name !== TRUNK && name !== TRUNK_PREVIOUS && !(GENERIC.test(name) && publishedAt < oldest),
  );
  const { name, description } = given ?? { name: genericName(kept, newest), description: '' };
  return [
    { ...newest, name, description },
    ...(trunk === undefined ? [] : [previousOf(trunk)]),
    trunkAt(newest),
    ...kept,
  ];
}

/** A name that is free, also for the second publish in a second. */
function genericName(tags: readonly Tag[], { publishedAt }: NewestRevision): string {
  const time = new Date(publishedAt * 1000).toISOString().replace(/\.\d+/, '');
  const taken = new Set(tags.map(({ name }) => name));
  for (let i = 0; ; i += 1) {
    const name = i === 0 ? `generic-${time}` : `generic_${i}-${time}`;
    if (!taken.has(name)) return name;
  }
}

const trunkAt = (newest: NewestRevision): Tag => ({ ...newest, name: TRUNK, description: 'current HEAD' });

/**
 * The tags after a rollback, as with the stock tools: the tag that was rolled back to moves to the new revision, names of
 * the revisions after it are gone, and there is no trunk-previous until the next publish (so that an undo is not undone by
 * the next one), unless the tag was at the newest revision already.
 */
export function rolledBackHistory(tags: readonly Tag[], newest: NewestRevision, target: Tag): Tag[] {
  const isOwn = (name: string): boolean => name === TRUNK || name === TRUNK_PREVIOUS;
  const kept = tags.filter(({ name, revision }) => revision <= target.revision && name !== target.name && !isOwn(name));
  const trunk = tags.find(({ name, revision }) => name === TRUNK && revision <= target.revision);
  return [
    trunkAt(newest),
    ...(isOwn(target.name) ? [] : [{ ...target, ...newest }]),
    ...(trunk === undefined || isOwn(target.name) ? [] : [previousOf(trunk)]),
    ...kept,
  ];
}

const previousOf = (trunk: Tag): Tag => ({ ...trunk, name: TRUNK_PREVIOUS, description: 'default undo target' });
