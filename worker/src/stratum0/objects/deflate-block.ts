import { codeLengths, codesOf, MOST_BITS } from './huffman.ts';

/**
 * What a block says, in order: a match has its length, and its distance as the value; a literal has length 0 and its byte.
 * The last one is {@link END_OF_BLOCK}.
 */
export interface Symbols {
  readonly lengths: number[];
  readonly values: number[];
}

export const END_OF_BLOCK = 256;

/** A block, and the bytes that zlib reckons with when it chooses between the kinds of blocks. */
export interface Block {
  readonly countedBytes: number;
  write(): Buffer;
}

const LITERALS = 286;
const DISTANCES = 30;
const MOST_LENGTH_BITS = 7;
/** In which order the lengths of the codes for lengths are written (RFC 1951, section 3.2.7). */
const LENGTH_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
const [REPEAT_LENGTH, REPEAT_ZERO, REPEAT_ZERO_LONG] = [16, 17, 18];
/** Bits of a block's header; a stored block's two lengths. */
const HEADER_BITS = 3;
const STORED_HEADER_BYTES = 4;

/** The first value of each code, and its extra bits (RFC 1951, section 3.2.5). */
interface Range {
  readonly first: number;
  readonly extra: number;
}

const LENGTH_RANGES = [...rangesOf(3, 28, 4), { first: 258, extra: 0 }];
const DISTANCE_RANGES = rangesOf(1, DISTANCES, 2);

/** The extra bits grow by one with every `step` codes; the first two steps have none. */
function rangesOf(start: number, codes: number, step: number): Range[] {
  let first = start;
  return Array.from({ length: codes }, (_, code) => {
    const range = { first, extra: Math.max(0, Math.floor(code / step) - 1) };
    first += 2 ** range.extra;
    return range;
  });
}

/** By which code a value is written. */
function codeOf(ranges: readonly Range[], value: number): number {
  return ranges.findLastIndex(({ first }) => first <= value);
}

/** A symbol as it is written: codes, each with the bits behind it. */
interface Item {
  readonly code: number;
  readonly extra: number;
  readonly bits: number;
}

const itemOf = (ranges: readonly Range[], value: number, base = 0): Item => {
  const code = codeOf(ranges, value);
  const { first = 0, extra = 0 } = ranges[code] ?? {};
  return { code: base + code, extra, bits: value - first };
};

interface Items {
  /** Literals, the end and lengths; a length is followed by the distance. */
  readonly literals: readonly Item[];
  /** Of each of those: null where it is no length. */
  readonly distances: readonly (Item | null)[];
}

function itemsOf({ lengths, values }: Symbols): Items {
  const isMatch = (i: number): boolean => lengths[i] !== 0;
  return {
    literals: lengths.map((length, i) =>
      isMatch(i) ? itemOf(LENGTH_RANGES, length, END_OF_BLOCK + 1) : { code: values[i] ?? 0, extra: 0, bits: 0 },
    ),
    distances: values.map((value, i) => (isMatch(i) ? itemOf(DISTANCE_RANGES, value) : null)),
  };
}

function countsOf(items: readonly (Item | null)[], codes: number): number[] {
  const counts = new Array<number>(codes).fill(0);
  for (const item of items) if (item !== null) counts[item.code] = (counts[item.code] ?? 0) + 1;
  return counts;
}

/** The bits that items take with codes of these lengths. */
function bitsOf(items: readonly (Item | null)[], lengths: readonly number[]): number {
  return items.reduce((sum, item) => (item === null ? sum : sum + (lengths[item.code] ?? 0) + item.extra), 0);
}

/** The content as it is. */
export function storedBlock(content: Uint8Array): Block {
  return {
    countedBytes: content.length + STORED_HEADER_BYTES,
    write() {
      const header = Buffer.from([1, 0, 0, 0, 0]);
      header.writeUInt16LE(content.length, 1);
      header.writeUInt16LE(content.length ^ 0xffff, 3);
      return Buffer.concat([header, content]);
    },
  };
}

/** With the codes that need not be told (RFC 1951, section 3.2.6). */
export function fixedBlock(symbols: Symbols): Block {
  const items = itemsOf(symbols);
  const literals = Array.from({ length: 288 }, (_, code) => (code < 144 ? 8 : code < 256 ? 9 : code < 280 ? 7 : 8));
  const distances = new Array<number>(DISTANCES).fill(5);
  return {
    countedBytes: bytesFor(bitsOf(items.literals, literals) + bitsOf(items.distances, distances)),
    write: () => writeItems(new BitWriter(0b011), items, literals, distances),
  };
}

/** With codes made for these symbols, which are told first (RFC 1951, section 3.2.7). */
export function dynamicBlock(symbols: Symbols): Block {
  const items = itemsOf(symbols);
  const literals = codeLengths(countsOf(items.literals, LITERALS), MOST_BITS);
  const distances = codeLengths(countsOf(items.distances, DISTANCES), MOST_BITS);
  const told = [...runsOf(literals), ...runsOf(distances)];
  const lengths = codeLengths(countsOf(told, LENGTH_ORDER.length), MOST_LENGTH_BITS);
  const toldLengths = Math.max(4, 1 + LENGTH_ORDER.findLastIndex((code) => (lengths[code] ?? 0) > 0));
  const bits =
    bitsOf(items.literals, literals) +
    bitsOf(items.distances, distances) +
    bitsOf(told, lengths) +
    (5 + 5 + 4 + 3 * toldLengths);
  return {
    countedBytes: bytesFor(bits),
    write() {
      const writer = new BitWriter(0b101);
      writer.add(literals.length - 257, 5);
      writer.add(distances.length - 1, 5);
      writer.add(toldLengths - 4, 4);
      for (const code of LENGTH_ORDER.slice(0, toldLengths)) writer.add(lengths[code] ?? 0, 3);
      const codes = codesOf(lengths);
      for (const item of told) writer.addItem(item, codes, lengths);
      return writeItems(writer, items, literals, distances);
    },
  };
}

/** As zlib counts: the header's bits are rounded up with the rest. */
const bytesFor = (bits: number): number => Math.ceil((bits + HEADER_BITS) / 8);

function writeItems(
  writer: BitWriter,
  items: Items,
  literals: readonly number[],
  distances: readonly number[],
): Buffer {
  const [literalCodes, distanceCodes] = [codesOf(literals), codesOf(distances)];
  for (const [i, item] of items.literals.entries()) {
    writer.addItem(item, literalCodes, literals);
    const distance = items.distances[i] ?? null;
    if (distance !== null) writer.addItem(distance, distanceCodes, distances);
  }
  return writer.finish();
}

/** Lengths of codes as they are told: runs of the same one are shortened. */
function runsOf(lengths: readonly number[]): Item[] {
  const items: Item[] = [];
  let before = -1;
  for (let i = 0; i < lengths.length; ) {
    const length = lengths[i] ?? 0;
    const most = length === 0 ? 138 : length === before ? 6 : 7;
    let count = 1;
    while (count < most && lengths[i + count] === length) count += 1;
    items.push(...runOf(length, count, length === before));
    before = length;
    i += count;
  }
  return items;
}

function runOf(length: number, count: number, isAgain: boolean): Item[] {
  const told = { code: length, extra: 0, bits: 0 };
  if (length === 0 && count > 10) return [{ code: REPEAT_ZERO_LONG, extra: 7, bits: count - 11 }];
  if (length === 0 && count > 2) return [{ code: REPEAT_ZERO, extra: 3, bits: count - 3 }];
  const repeated = isAgain ? count : count - 1;
  if (length === 0 || repeated < 3) return new Array<Item>(count).fill(told);
  const repeat = { code: REPEAT_LENGTH, extra: 2, bits: repeated - 3 };
  return isAgain ? [repeat] : [told, repeat];
}

/** Puts bits into bytes, lowest first. */
class BitWriter {
  readonly #bytes: number[] = [];
  #bits = 0;
  #count = 0;
  constructor(header: number) {
    this.add(header, HEADER_BITS);
  }

  add(bits: number, count: number): void {
    this.#bits |= bits << this.#count;
    this.#count += count;
    for (; this.#count >= 8; this.#count -= 8) {
      this.#bytes.push(this.#bits & 0xff);
      this.#bits >>>= 8;
    }
  }

  addItem({ code, extra, bits }: Item, codes: readonly number[], lengths: readonly number[]): void {
    this.add(codes[code] ?? 0, lengths[code] ?? 0);
    this.add(bits, extra);
  }

  finish(): Buffer {
    if (this.#count > 0) this.add(0, 8 - this.#count);
    return Buffer.from(this.#bytes);
  }
}
