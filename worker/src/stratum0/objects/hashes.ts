import { hash as digest } from 'node:crypto';
import { Stratum0Error } from '../errors.ts';

/**
 * The hash of an object as texts and names of objects have it: 40 hexadecimal digits, and for other algorithms than SHA-1
 * the algorithm's name (CernVM-FS documentation, parameter CVMFS_HASH_ALGORITHM).
 */
export type ContentHash = string;

/** Each has 160 bits: SHAKE-128 is asked for so many. */
export const HASH_ALGORITHMS = ['sha1', 'rmd160', 'shake128'] as const;
export type HashAlgorithm = (typeof HASH_ALGORITHMS)[number];

const SUFFIXES = { sha1: '', rmd160: '-rmd160', shake128: '-shake128' } as const;
const DIGITS = 40;
const BYTES = 20;

/** A whole {@link ContentHash}. */
export const CONTENT_HASH = /^[0-9a-f]{40}(?:-rmd160|-shake128)?$/;

export function contentHash(algorithm: HashAlgorithm, bytes: Uint8Array): ContentHash {
  if (algorithm === 'shake128') return `${digest('shake128', bytes, { outputLength: BYTES })}${SUFFIXES.shake128}`;
  return `${digest(algorithm, bytes)}${SUFFIXES[algorithm]}`;
}

export function algorithmOf(hash: ContentHash): HashAlgorithm {
  return HASH_ALGORITHMS.find((name) => hash.slice(DIGITS) === SUFFIXES[name]) ?? 'sha1';
}

/** Whether these bytes have that hash. */
export function hasHash(bytes: Uint8Array, hash: ContentHash): boolean {
  return contentHash(algorithmOf(hash), bytes) === hash;
}

/** The bytes of a hash, as catalogs hold it: the algorithm is told by the entry's flags. */
export function hashBytes(hash: ContentHash): Buffer {
  return Buffer.from(hash.slice(0, DIGITS), 'hex');
}

/** The hash of these hexadecimal digits by an algorithm. */
export function namedHash(algorithm: HashAlgorithm, digits: string): ContentHash {
  return `${digits}${SUFFIXES[algorithm]}`;
}

/** Reads the name of an algorithm. Throws `usage`. */
export function hashAlgorithm(name: string): HashAlgorithm {
  const known = HASH_ALGORITHMS.find((one) => one === name);
  if (known === undefined)
    throw new Stratum0Error('usage', `"${name}" is not a hash algorithm; there are ${HASH_ALGORITHMS.join(', ')}`);
  return known;
}
