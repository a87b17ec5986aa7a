import type { CatalogEntry } from './entry.ts';

/**
 * What a catalog counts (CernVM-FS technical documentation, "Catalog Statistics"), in the order of the stock tools' rows.
 * A catalog keeps each of them for itself (`self_…`) and for all catalogs below it (`subtree_…`). A nested catalog's
 * directory counts twice: in the catalog above it and as the root of its own.
 */
export const COUNTERS = [
  'chunked',
  'chunked_size',
  'chunks',
  'dir',
  'external',
  'external_file_size',
  'file_size',
  'nested',
  'regular',
  'special',
  'symlink',
  'xattr',
] as const;

export type Counters = Readonly<Record<(typeof COUNTERS)[number], number>>;

export const NO_COUNTS: Counters = {
  chunked: 0,
  chunked_size: 0,
  chunks: 0,
  dir: 0,
  external: 0,
  external_file_size: 0,
  file_size: 0,
  nested: 0,
  regular: 0,
  special: 0,
  symlink: 0,
  xattr: 0,
};

/** A catalog's counts: of itself and of all below it. */
export interface CatalogCounts {
  readonly self: Counters;
  readonly subtree: Counters;
}

export function addCounters(...all: readonly Counters[]): Counters {
  const sum: Record<(typeof COUNTERS)[number], number> = { ...NO_COUNTS };
  for (const counters of all) for (const name of COUNTERS) sum[name] += counters[name];
  return sum;
}

/** What one entry counts for. */
export function countersOf({ type, sizeBytes, chunks, attributes }: CatalogEntry): Counters {
  const isFile = type === 'file';
  const isChunked = chunks.length > 0;
  return {
    ...NO_COUNTS,
    chunked: isChunked ? 1 : 0,
    chunked_size: isChunked ? sizeBytes : 0,
    chunks: chunks.length,
    dir: type === 'directory' ? 1 : 0,
    file_size: isFile ? sizeBytes : 0,
    regular: isFile ? 1 : 0,
    symlink: type === 'symlink' ? 1 : 0,
    xattr: attributes === null ? 0 : 1,
  };
}
