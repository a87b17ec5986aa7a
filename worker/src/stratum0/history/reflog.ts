import { copyFile, readFile } from 'node:fs/promises';
import { bytes, imageOf, integer, loadDatabase, newDatabase } from '../catalog/memory-database.ts';
import type { Context } from '../context.ts';
import { replaceFile } from '../disk.ts';
import { Stratum0Error, systemCode } from '../errors.ts';
import { contentHash, type HashAlgorithm, hasHash } from '../objects/hashes.ts';
import type { RepositoryPaths } from '../paths.ts';

/** What a reference is to, as the column `type` has it. */
const REFERENCE_TYPES = { catalog: 0, certificate: 1, history: 2, metainfo: 3 } as const;

/** Of the names of such objects. */
export const REFERENCE_SUFFIXES = { catalog: 'C', certificate: 'X', history: 'H', metainfo: 'M' } as const;

/** An object that a manifest of this repository has named. */
export interface Reference {
  readonly hash: string;
  readonly type: keyof typeof REFERENCE_TYPES;
  /** Seconds since the epoch. */
  readonly addedAt: number;
}

/** The tables of the log of references, column for column as the stock tools make them (schema 1.0). */
const TABLES = `
CREATE TABLE properties (key TEXT, value TEXT, CONSTRAINT pk_properties PRIMARY KEY (key));
CREATE TABLE refs (hash TEXT, type INTEGER, timestamp INTEGER, CONSTRAINT pk_refs PRIMARY KEY (hash));
`;

/**
 * `.cvmfsreflog`: every root catalog, certificate, history and description that a manifest has ever named, so that garbage
 * collection knows what there was. A database, not compressed; the manifest's field Y is its SHA-1.
 */
export function encodeReflog(repository: string, references: readonly Reference[]): Uint8Array {
  const database = newDatabase(TABLES);
  try {
    const set = database.prepare('INSERT INTO properties (key, value) VALUES (?, ?)');
    const properties = { schema: '1.0', schema_revision: '0', fqrn: repository };
    for (const [key, value] of Object.entries(properties)) set.run(key, value);
    const insert = database.prepare('INSERT OR IGNORE INTO refs (hash, type, timestamp) VALUES (?, ?, ?)');
    for (const { hash, type, addedAt } of references) insert.run(hash, REFERENCE_TYPES[type], addedAt);
    return imageOf(database);
  } finally {
    database.close();
  }
}

/** Throws `damaged_object`. */
export function decodeReflog(image: Uint8Array): Reference[] {
  const database = loadDatabase(image, '.cvmfsreflog');
  try {
    const types = ['catalog', 'certificate', 'history', 'metainfo'] as const;
    return database
      .prepare('SELECT hash, type, timestamp FROM refs ORDER BY rowid')
      .all()
      .map((row) => ({
        hash: bytes(row.hash),
        type: types[integer(row.type)] ?? 'catalog',
        addedAt: integer(row.timestamp),
      }));
  } finally {
    database.close();
  }
}

/** The reflog as it is; empty where there is none yet. Throws `damaged_object`. */
export async function readReflog(paths: RepositoryPaths): Promise<Reference[]> {
  try {
    return decodeReflog(await readFile(paths.reflog));
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    if (!(error instanceof Stratum0Error)) throw error;
    throw new Stratum0Error(
      error.code,
      `${paths.reflog}: ${error.message}; remove it: the next publish begins another, and until then only what has a name is kept`,
    );
  }
}

/**
 * Writes the reflog and gives its hash for the manifest. What was there is kept aside until the manifest is in place: see
 * {@link restoreReflog}.
 */
export async function writeReflog(
  context: Context,
  paths: RepositoryPaths,
  references: readonly Reference[],
  algorithm: HashAlgorithm,
): Promise<string> {
  const image = encodeReflog(paths.name, references);
  await copyFile(paths.reflog, paths.reflogBefore).catch((error: unknown) => {
    if (systemCode(error) !== 'ENOENT') throw error;
  });
  await replaceFile(context.disk, paths.reflog, `${paths.reflog}.new`, image);
  return contentHash(algorithm, image);
}

/** After a publish that died between reflog and manifest: puts the reflog back that the manifest names. */
export async function restoreReflog(context: Context, paths: RepositoryPaths, hash: string): Promise<void> {
  const images = await Promise.all([paths.reflog, paths.reflogBefore].map((path) => readFile(path).catch(() => null)));
  const [now, before] = images;
  if (now === null || now === undefined || hasHash(now, hash)) return;
  if (before === null || before === undefined || !hasHash(before, hash)) return;
  await replaceFile(context.disk, paths.reflog, `${paths.reflog}.new`, before);
}
