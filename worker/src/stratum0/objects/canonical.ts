import { Stratum0Error } from '../errors.ts';
import { dynamicBlock, END_OF_BLOCK, fixedBlock, type Symbols, storedBlock } from './deflate-block.ts';

/**
 * The most that {@link canonicalZlib} takes: what fits into one block of zlib's (16,383 symbols), so that there is no
 * second one.
 */
const MOST_BYTES = 16_000;

/** zlib's header for a window of 32 KiB and the default level. */
const HEADER = Buffer.from([0x78, 0x9c]);

const LEAST_MATCH = 3;
const MOST_MATCH = 258;
/** zlib's table for its default level, 6. */
const GOOD_MATCH = 8;
const LAZY_MATCH = 16;
const NICE_MATCH = 128;
const MOST_TRIES = 128;
/** Matches of the least length that are farther away cost more than they save. */
const TOO_FAR = 4096;
const HASH_MASK = 0x7fff;

/**
 * Compresses as zlib's own source does at its default level, byte for byte. The zlib of Node's is another one (Chromium's:
 * it overlooks short matches), which is as good for all that is read under the hash of its bytes as they are stored. But a
 * mirror (`cvmfs_swissknife pull`) unpacks certificate and description, packs them anew with zlib, and stores that under the
 * hash that the manifest names: with other bytes, its clients would refuse the certificate. Throws `unsupported_file` for
 * more than {@link MOST_BYTES}.
 */
export function canonicalZlib(content: Uint8Array): Buffer {
  if (content.length > MOST_BYTES)
    throw new Stratum0Error(
      'unsupported_file',
      `a certificate or description of ${content.length} bytes cannot be stored: make it at most ${MOST_BYTES}`,
    );
  const symbols = symbolsOf(content);
  const [dynamic, fixed, stored] = [dynamicBlock(symbols), fixedBlock(symbols), storedBlock(content)];
  const coded = fixed.countedBytes <= dynamic.countedBytes ? fixed : dynamic;
  const block = stored.countedBytes <= coded.countedBytes ? stored : coded;
  const check = Buffer.alloc(4);
  check.writeUInt32BE(adler32(content));
  return Buffer.concat([HEADER, block.write(), check]);
}

/** The literals and matches that zlib finds: it looks for a longer match at the next byte before it takes one. */
function symbolsOf(content: Uint8Array): Symbols {
  const symbols: Symbols = { lengths: [], values: [] };
  const add = (length: number, value: number): void => {
    symbols.lengths.push(length);
    symbols.values.push(value);
  };
  const search = new MatchSearch(content);
  let before = { length: LEAST_MATCH - 1, start: 0 };
  let isPending = false;
  let at = 0;
  while (at < content.length) {
    const match = search.longest(at, before.length);
    if (before.length >= LEAST_MATCH && match.length <= before.length) {
      add(before.length, at - 1 - before.start);
      const end = at - 1 + before.length;
      for (at += 1; at < end; at += 1) search.insert(at);
      isPending = false;
      before = { length: LEAST_MATCH - 1, start: 0 };
      continue;
    }
    if (isPending) add(0, content[at - 1] ?? 0);
    isPending = true;
    before = match;
    at += 1;
  }
  if (isPending) add(0, content[at - 1] ?? 0);
  add(0, END_OF_BLOCK);
  return symbols;
}

/** Where bytes were seen before: chains of positions whose next three bytes have the same hash, newest first. */
class MatchSearch {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  /** By hash; 0 is none, as with zlib, which so never finds what begins at the very first byte. */
  readonly #newest = new Uint16Array(HASH_MASK + 1);
  readonly #before: Uint16Array;
  constructor(content: Uint8Array) {
    this.#end = content.length;
    this.#bytes = new Uint8Array(content.length + MOST_MATCH);
    this.#bytes.set(content);
    this.#before = new Uint16Array(content.length);
  }

  #at(position: number): number {
    return this.#bytes[position] ?? 0;
  }

  /** Makes a position known; gives the newest one before it with the same hash. */
  insert(at: number): number {
    if (this.#end - at < LEAST_MATCH) return 0;
    const hash = ((this.#at(at) << 10) ^ (this.#at(at + 1) << 5) ^ this.#at(at + 2)) & HASH_MASK;
    const before = this.#newest[hash] ?? 0;
    this.#before[at] = before;
    this.#newest[hash] = at;
    return before;
  }

  /** Makes a position known, and gives the longest match that is longer than the one before it, as far as zlib looks. */
  longest(at: number, lengthBefore: number): { length: number; start: number } {
    const none = { length: LEAST_MATCH - 1, start: 0 };
    const newest = this.insert(at);
    if (newest === 0 || lengthBefore >= LAZY_MATCH) return none;
    const left = this.#end - at;
    const nice = Math.min(NICE_MATCH, left);
    let best = { length: lengthBefore, start: 0 };
    let tries = lengthBefore >= GOOD_MATCH ? MOST_TRIES / 4 : MOST_TRIES;
    for (let from = newest; from > 0 && tries > 0; from = this.#before[from] ?? 0, tries -= 1) {
      const length = this.#common(from, at);
      if (length <= best.length) continue;
      best = { length, start: from };
      if (length >= nice) break;
    }
    const length = Math.min(best.length, left);
    return length === LEAST_MATCH && at - best.start > TOO_FAR ? none : { ...best, length };
  }

  #common(from: number, at: number): number {
    let length = 0;
    while (length < MOST_MATCH && this.#at(from + length) === this.#at(at + length)) length += 1;
    return length;
  }
}

/** RFC 1950, section 8.2. */
function adler32(content: Uint8Array): number {
  let low = 1;
  let high = 0;
  for (const byte of content) {
    low = (low + byte) % 65_521;
    high = (high + low) % 65_521;
  }
  return high * 65_536 + low;
}
