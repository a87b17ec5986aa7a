import { type BigIntStats, closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import type { Chunk } from '../catalog/entry.ts';
import { Stratum0Error, systemCode } from '../errors.ts';
import { compress } from './compress.ts';
import { CHUNK_SIZES, type ChunkSizes, cutFinder } from './cut.ts';
import { contentHash, type HashAlgorithm } from './hashes.ts';
import { objectName } from './names.ts';

/** Puts an object's bytes in place; false where it was there already. */
export type ObjectSink = (name: string, bytes: Uint8Array) => boolean;

/** A file to be stored, as a scan has seen it. */
export interface PackJob {
  /** Absolute. */
  readonly path: string | Uint8Array;
  /** For people. */
  readonly label: string;
  /** Of the repository. */
  readonly algorithm: HashAlgorithm;
  readonly sizeBytes: number;
  readonly inode: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
}

/** A part of a file to be stored as one object. */
export interface RangeJob {
  readonly file: PackJob;
  readonly offset: number;
  readonly sizeBytes: number;
  readonly suffix: '' | 'P';
}

export interface PackedRange {
  readonly hash: string;
  readonly storedBytes: number;
  /** Name of the object, if it was not there already. */
  readonly newObject: string | null;
}

/** Bytes read at a time in search of cuts. */
const READ_BYTES = 1024 * 1024;

/** Objects of files are only chunked from this size on. */
export function mayBeChunked(job: PackJob, sizes: ChunkSizes = CHUNK_SIZES): boolean {
  return job.sizeBytes > sizes.least;
}

/** Compresses content and stores it under the hash of its compressed form. */
function packContent(content: Uint8Array, algorithm: HashAlgorithm, suffix: '' | 'P', sink: ObjectSink): PackedRange {
  const packed = compress(content);
  const hash = contentHash(algorithm, packed);
  const name = objectName(hash, suffix);
  return { hash, storedBytes: packed.length, newObject: sink(name, packed) ? name : null };
}

/** Stores one part of a file. Throws `unreadable_file` or `file_changed`. */
export function packRange(job: RangeJob, sink: ObjectSink): PackedRange {
  const content = Buffer.allocUnsafe(job.sizeBytes);
  withFile(job.file, (descriptor) => {
    if (readFully(descriptor, content, job.offset) !== job.sizeBytes) throw changed(job.file);
  });
  return packContent(content, job.file.algorithm, job.suffix, sink);
}

/**
 * Where a file is to be cut: tells each part as soon as it is known. A file without a cut is told as one part.
 */
export function findParts(job: PackJob, found: (part: Omit<Chunk, 'hash'>) => void, sizes = CHUNK_SIZES): void {
  const finder = cutFinder(sizes);
  const buffer = Buffer.allocUnsafe(READ_BYTES);
  let start = 0;
  withFile(job, (descriptor) => {
    for (let position = 0; position < job.sizeBytes; ) {
      const length = readFully(descriptor, buffer, position);
      if (length === 0) throw changed(job);
      const bytes = buffer.subarray(0, length);
      for (let cut = finder.next(bytes, 0); cut !== null; cut = finder.next(bytes, cut)) {
        if (position + cut >= job.sizeBytes) break;
        found({ offset: start, sizeBytes: position + cut - start });
        start = position + cut;
      }
      position += length;
    }
  });
  found({ offset: start, sizeBytes: job.sizeBytes - start });
}

function withFile(job: PackJob, work: (descriptor: number) => void): void {
  const descriptor = openToRead(job);
  try {
    work(descriptor);
    if (!isAsSeen(job, fstatSync(descriptor, { bigint: true }))) throw changed(job);
  } catch (error) {
    if (error instanceof Stratum0Error) throw error;
    // A directory, for instance, in the place of a file.
    throw isAsSeen(job, fstatSync(descriptor, { bigint: true })) ? unreadable(job, error) : changed(job);
  } finally {
    closeSync(descriptor);
  }
}

function openToRead(job: PackJob): number {
  try {
    return openSync(
      typeof job.path === 'string' ? job.path : Buffer.from(job.path),
      constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
    );
  } catch (error) {
    throw unreadable(job, error);
  }
}

function unreadable(job: PackJob, error: unknown): Stratum0Error {
  return new Stratum0Error(
    'unreadable_file',
    `${job.label} cannot be read (${systemCode(error)}): make it readable or remove it`,
  );
}

function isAsSeen(job: PackJob, stat: BigIntStats): boolean {
  return (
    stat.ino === job.inode &&
    stat.size === BigInt(job.sizeBytes) &&
    stat.mtimeNs === job.mtimeNs &&
    stat.ctimeNs === job.ctimeNs
  );
}

function changed(job: PackJob): Stratum0Error {
  return new Stratum0Error(
    'file_changed',
    `${job.label} was written to while it was read; let its writer finish first`,
  );
}

function readFully(descriptor: number, buffer: Buffer, position: number): number {
  let length = 0;
  while (length < buffer.length) {
    const read = readSync(descriptor, buffer, length, buffer.length - length, position + length);
    if (read === 0) break;
    length += read;
  }
  return length;
}
