import { statfsSync } from 'node:fs';

/** Room on a file system, bytes. */
export interface FreeSpace {
  /** What programs without special rights can still write. */
  readonly free: number;
  readonly total: number;
}

/** Asks for the room on the file system of the master's state. Throws what the system says. */
export type FreeSpaceOf = () => FreeSpace;

export function freeSpaceOf(directory: string): FreeSpace {
  const { bavail, blocks, bsize } = statfsSync(directory);
  return { free: bavail * bsize, total: blocks * bsize };
}

/**
 * Where a site sets no limit, an alarm comes below 1 GiB or, on a small volume, below a twentieth of it: hours before
 * the disk is full on a busy site, and not from the first day on a volume that is small on purpose.
 */
const DEFAULT_LEAST_FREE_BYTES = 1024 ** 3;
const DEFAULT_LEAST_FREE_PART = 1 / 20;

export function leastFreeBytes(total: number, wanted: number | null): number {
  return wanted ?? Math.min(DEFAULT_LEAST_FREE_BYTES, total * DEFAULT_LEAST_FREE_PART);
}
