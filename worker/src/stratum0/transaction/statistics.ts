import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import type { Counters } from '../catalog/counters.ts';
import type { CatalogEntry } from '../catalog/entry.ts';
import type { Context } from '../context.ts';
import { Stratum0Error } from '../errors.ts';
import type { RepositoryPaths } from '../paths.ts';

/** What is counted of a publish: the columns of the stock tools' table `publish_statistics`, in their order. */
const COLUMNS = [
  'files_added',
  'files_removed',
  'files_changed',
  'chunks_added',
  'chunks_duplicated',
  'catalogs_added',
  'directories_added',
  'directories_removed',
  'directories_changed',
  'symlinks_added',
  'symlinks_removed',
  'symlinks_changed',
  'sz_bytes_added',
  'sz_bytes_removed',
  'sz_bytes_uploaded',
  'sz_catalog_bytes_uploaded',
] as const;
type Column = (typeof COLUMNS)[number];

/**
 * What a publish has added, removed and changed in the tree, and what it has stored: a chunk is an object with content of
 * a file, the whole of it or a part; bytes are those of files, uploaded ones as they are stored.
 */
export type Counts = Record<Column, number>;

export const noCounts = (): Counts => ({
  files_added: 0,
  files_removed: 0,
  files_changed: 0,
  chunks_added: 0,
  chunks_duplicated: 0,
  catalogs_added: 0,
  directories_added: 0,
  directories_removed: 0,
  directories_changed: 0,
  symlinks_added: 0,
  symlinks_removed: 0,
  symlinks_changed: 0,
  sz_bytes_added: 0,
  sz_bytes_removed: 0,
  sz_bytes_uploaded: 0,
  sz_catalog_bytes_uploaded: 0,
});

const WORDS = { file: 'files', directory: 'directories', symlink: 'symlinks' } as const;

/** Counts an entry in that is put where `old` was; null: nothing. */
export function countEntry(counts: Counts, old: CatalogEntry | null, entry: CatalogEntry): void {
  if (entry.path === '') return;
  const isAnother = old !== null && old.type !== entry.type;
  if (old !== null && isAnother) counts[`${WORDS[old.type]}_removed`] += 1;
  counts[`${WORDS[entry.type]}_${old === null || isAnother ? 'added' : 'changed'}`] += 1;
  if (entry.type === 'file') counts.sz_bytes_added += entry.sizeBytes;
  if (old?.type === 'file') counts.sz_bytes_removed += old.sizeBytes;
}

/** Counts a tree in that is gone, by what catalogs count of it. */
export function countRemoved(counts: Counts, removed: Counters): void {
  counts.files_removed += removed.regular;
  // Directories of nested catalogs are in two catalogs.
  counts.directories_removed += removed.dir - removed.nested;
  counts.symlinks_removed += removed.symlink;
  counts.sz_bytes_removed += removed.file_size;
}

/** A publish that has ended well. */
export interface PublishRecord {
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly revision: number;
  readonly counts: Counts;
}

/** Rows older than this are dropped, as with the stock tools. */
const KEEP_DAYS = 365;
const DAY_MS = 86_400_000;

/** As the stock tools make it (schema 1.0, revision 4), without the table of garbage collections. */
const TABLES = `
CREATE TABLE IF NOT EXISTS properties (key TEXT, value TEXT, CONSTRAINT pk_properties PRIMARY KEY (key));
CREATE TABLE IF NOT EXISTS publish_statistics (publish_id INTEGER PRIMARY KEY, start_time TEXT, finish_time TEXT,
  revision INTEGER, ${COLUMNS.map((name) => `${name} INTEGER`).join(', ')}, success INTEGER);
INSERT OR IGNORE INTO properties (key, value) VALUES ('schema', '1.0'), ('schema_revision', '4');
`;

/** `YYYY-MM-DD HH:MM:SS` in UTC. */
const timeOf = (ms: number): string => new Date(ms).toISOString().slice(0, 19).replace('T', ' ');

/**
 * Keeps what a publish has done, in `stats.db`. The publish is over by then: where this fails, that is told, and nothing
 * else is wrong.
 */
export function keepStatistics(context: Context, paths: RepositoryPaths, record: PublishRecord): void {
  try {
    const database = new DatabaseSync(paths.statistics);
    try {
      database.exec(`PRAGMA synchronous = NORMAL; BEGIN; ${TABLES}`);
      database.prepare("INSERT OR IGNORE INTO properties (key, value) VALUES ('repo_name', ?)").run(paths.name);
      database
        .prepare('DELETE FROM publish_statistics WHERE start_time < ?')
        .run(timeOf(context.now() - KEEP_DAYS * DAY_MS));
      const columns = ['start_time', 'finish_time', 'revision', ...COLUMNS, 'success'];
      const insert = database.prepare(
        `INSERT INTO publish_statistics (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`,
      );
      const times = [timeOf(record.startedAt), timeOf(context.now())];
      insert.run(...times, record.revision, ...COLUMNS.map((name) => record.counts[name]), 1);
      database.exec('COMMIT');
    } finally {
      database.close();
    }
  } catch (error) {
    context.say(`Warning: the statistics of this publish are not kept: ${paths.statistics}: ${String(error)}`);
  }
}

/** Says the table of what was kept: names of columns, then a row a publish. Throws `usage` for a table that is not there. */
export function printStatistics(
  { say }: Context,
  paths: RepositoryPaths,
  { separator = '|', table = 'publish_statistics' }: { readonly separator?: string; readonly table?: string },
): void {
  if (table !== 'publish_statistics')
    throw new Stratum0Error('usage', `there is no table "${table}"; the only one is publish_statistics`);
  if (!existsSync(paths.statistics)) {
    say(`No statistics database file for ${paths.name} repository.`);
    return;
  }
  let database: DatabaseSync | null = null;
  try {
    // Not only to read: what a publish that died has left half done is taken back first.
    database = new DatabaseSync(paths.statistics);
    const rows = database.prepare('SELECT * FROM publish_statistics ORDER BY publish_id').all();
    if (rows[0] !== undefined) say(Object.keys(rows[0]).join(separator));
    for (const row of rows) say(Object.values(row).map(String).join(separator));
  } catch (error) {
    throw new Stratum0Error(
      'bad_state',
      `${paths.statistics} cannot be read (${String(error)}): remove it, the next publish begins another`,
    );
  } finally {
    database?.close();
  }
}

/** What the stock tools print at the end of a publish where the site sets CVMFS_PRINT_STATISTICS. */
export function sayCounts({ say }: Pick<Context, 'say'>, { revision, counts }: PublishRecord): void {
  const named = new Map<string, number>([['revision', revision]]);
  for (const column of COLUMNS) named.set(counterOf(column), counts[column]);
  say('Name|Value|Description');
  for (const [name, value] of [...named].sort(([a], [b]) => (a < b ? -1 : 1)))
    say(`publish.${name}|${value}|${describe(name)}`);
}

/** `sz_bytes_added` is the counter `sz_added_bytes`, `files_added` is `n_files_added`. */
function counterOf(column: Column): string {
  const [, catalog = '', act = ''] = /^sz_(catalog_)?bytes_(\w+)$/.exec(column) ?? [];
  return act === '' ? `n_${column}` : `sz_${act}_${catalog}bytes`;
}

function describe(counter: string): string {
  if (counter === 'revision') return 'Published revision number';
  return `Number of ${counter.replace(/^(n|sz)_/, '').replaceAll('_', ' ')}`;
}
