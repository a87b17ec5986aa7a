import type { Json } from '@icefall/shared';
import { formatBytes } from '@icefall/shared/text';

/** Between what a publisher says itself and the manifest, and between that and the statistics. */
export const MANIFEST_MARK = '--- manifest';
export const STATISTICS_MARK = '--- statistics';

/** What is known of a publish that has succeeded; what the publisher does not tell is not there. */
export interface Published {
  readonly properties: Readonly<Record<string, Json>>;
  /** A few words for people: `revision 12: 34 files added, 2 removed, 5 MB`. */
  readonly summary: string;
}

/**
 * Reads the output of a publish: the manifest's lines (CernVM-FS technical documentation, "Repository Manifest": S
 * revision, C root catalog, B its size, T time), then the last row of `print-stats`, where there is one of that revision: a
 * publisher that could not keep its statistics has an older one there.
 */
export function readPublished(output: string): Published {
  const [, rest = ''] = splitAt(output, MANIFEST_MARK);
  const [manifest = '', statistics = ''] = splitAt(rest, STATISTICS_MARK);
  const revision = manifestProperties(manifest);
  const work = statisticsProperties(statistics, revision.cvmfs_revision);
  return { properties: { ...revision, ...work }, summary: summaryOf(revision, work) };
}

function splitAt(text: string, mark: string): string[] {
  const at = text.lastIndexOf(`${mark}\n`);
  return at === -1 ? [text] : [text.slice(0, at), text.slice(at + mark.length + 1)];
}

/** The fields of a manifest that are properties. Its lines are a letter and a value each. */
function manifestProperties(text: string): Record<string, Json> {
  const fields = new Map(text.split('\n').map((line) => [line.slice(0, 1), line.slice(1).trim()]));
  const number = (letter: string) => {
    const value = fields.get(letter) ?? '';
    return /^\d+$/.test(value) ? Number(value) : null;
  };
  const root = fields.get('C');
  const at = number('T');
  return withoutNull({
    cvmfs_revision: number('S'),
    cvmfs_root_hash: root !== undefined && /^[0-9a-f]{40}(-[a-z0-9]+)?$/.test(root) ? root : null,
    cvmfs_catalog_bytes: number('B'),
    cvmfs_published_at: at === null ? null : new Date(at * 1000).toISOString(),
  });
}

/** Columns of `publish_statistics` that are properties. */
const COLUMNS = [
  'files_added',
  'files_removed',
  'files_changed',
  'directories_added',
  'directories_removed',
  'symlinks_added',
  'symlinks_removed',
  'chunks_added',
  'catalogs_added',
  'bytes_added',
  'bytes_removed',
  'bytes_uploaded',
  'catalog_bytes_uploaded',
];

/** `print-stats` is a table with `|` between its columns; some versions begin names of sizes with `sz_`. */
function statisticsProperties(text: string, revision: Json | undefined): Record<string, Json> {
  const lines = text.split('\n').filter((line) => line.includes('|'));
  const names = (lines[0] ?? '').split('|').map((name) => name.trim().replace(/^sz_/, ''));
  const values = lines.length < 2 ? [] : (lines.at(-1) ?? '').split('|');
  const number = (column: string): number | null => {
    const value = values[names.indexOf(column)]?.trim() ?? '';
    return /^\d+$/.test(value) ? Number(value) : null;
  };
  // Versions of long ago do not tell the revision.
  if (number('revision') !== null && number('revision') !== revision) return {};
  return withoutNull(Object.fromEntries(COLUMNS.map((column) => [`cvmfs_${column}`, number(column)])));
}

function summaryOf(revision: Record<string, Json>, work: Record<string, Json>): string {
  const number = revision.cvmfs_revision;
  const done = [
    count(work.cvmfs_files_added, work.cvmfs_files_added === 1 ? 'file added' : 'files added'),
    count(work.cvmfs_files_changed, 'changed'),
    count(work.cvmfs_files_removed, 'removed'),
    typeof work.cvmfs_bytes_uploaded === 'number' ? `${formatBytes(work.cvmfs_bytes_uploaded)} stored` : '',
  ].filter((part) => part !== '');
  const published = number === undefined ? 'published' : `revision ${number}`;
  return done.length === 0 ? published : `${published}: ${done.join(', ')}`;
}

function count(value: Json | undefined, what: string): string {
  return typeof value === 'number' ? `${value} ${what}` : '';
}

function withoutNull(values: Readonly<Record<string, Json>>): Record<string, Json> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null));
}
