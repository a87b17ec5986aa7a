import { isBlank, piecesOf } from './forms.ts';

/** What stands in the place of a secret. */
export const MASK = '********';
/** So many blanks in a row, and what comes after them is no part of what stood before. Bounds what is held back. */
const MOST_BLANKS = 64;
/** Bytes of a piece by which it is found; the rest is compared. */
const KEY_BYTES = 4;

/** What secrets look like, made ready to be found: see {@link piecesOf}. */
export class Scrubber {
  /** By their first bytes, as a number. */
  readonly #byKey = new Map<number, Buffer[]>();
  /** The first one, two and three bytes of all pieces, as numbers: the list's index is the length. */
  readonly #beginnings: readonly Set<number>[] = Array.from({ length: KEY_BYTES }, () => new Set<number>());
  /** Whether any piece begins with bytes of this hash: most of a log is passed over by this alone. */
  readonly #hashes = new Uint8Array(1 << 16);

  constructor(values: readonly Buffer[]) {
    for (const piece of values.flatMap(piecesOf)) {
      const key = piece.readUInt32BE(0);
      this.#byKey.set(key, [...(this.#byKey.get(key) ?? []), piece]);
      this.#hashes[hashOf(key)] = 1;
      for (let length = 1; length < KEY_BYTES; length += 1)
        this.#beginnings[length]?.add(key >>> (8 * (KEY_BYTES - length)));
    }
  }

  /** Pieces whose first four bytes are these. */
  begun(key: number): readonly Buffer[] {
    return this.#hashes[hashOf(key)] === 1 ? (this.#byKey.get(key) ?? []) : [];
  }

  /** Whether a piece begins with the last so many bytes of the number. */
  mayBegin(key: number, length: number): boolean {
    return this.#beginnings[length]?.has(key & ((1 << (8 * length)) - 1)) === true;
  }

  /** The text without secrets. */
  text(text: string): string {
    const stream = new ScrubbedStream(this);
    const bytes = Buffer.concat([stream.push(Buffer.from(text)), stream.end()]);
    return bytes.toString('utf8');
  }

  /** The same value without secrets in its texts, names of fields among them. */
  deep<T>(value: T): T {
    return this.#deep(value) as T;
  }

  #deep(value: unknown): unknown {
    if (typeof value === 'string') return this.text(value);
    if (Array.isArray(value)) return value.map((element) => this.#deep(element));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, part]) => [this.text(key), this.#deep(part)]));
  }
}

function hashOf(key: number): number {
  return Math.imul(key, 0x9e3779b1) >>> 16;
}

/** A piece of which the beginning was seen. */
interface Candidate {
  readonly piece: Buffer;
  /** Where it begins in the bytes at hand. */
  readonly start: number;
  seen: number;
}

/** What a scan found: which bytes belong to secrets, and from where on more must be seen. */
interface Scan {
  readonly masked: Uint8Array | null;
  readonly holdFrom: number;
  /** What is held is more than the first bytes that any word could have. */
  readonly isSure: boolean;
}

/** Takes secrets out of a stream of bytes, whatever the pieces in which it comes. */
export class ScrubbedStream {
  readonly #scrubber: Scrubber;
  /** The end of what has come, that may be the beginning of a secret. */
  #held: Buffer = Buffer.alloc(0);
  /** Bytes at the start of `#held` that end a secret. */
  #maskedHead = 0;
  /** Bytes at the start of `#held` that were passed on all the same. */
  #passedOn = 0;
  #isSure = false;
  #inMask = false;

  constructor(scrubber: Scrubber) {
    this.#scrubber = scrubber;
  }

  /** Something is held that more likely than not is no secret. */
  get holdsLittle(): boolean {
    return this.#held.length > this.#passedOn && !this.#isSure;
  }

  /** What can be passed on now. */
  push(chunk: Uint8Array): Buffer {
    const bytes = Buffer.concat([this.#held, chunk]);
    const { masked, holdFrom, isSure } = this.#scan(bytes);
    const out = this.#written(bytes, this.#passedOn, holdFrom, masked);
    this.#held = bytes.subarray(holdFrom);
    this.#passedOn = Math.max(0, this.#passedOn - holdFrom);
    this.#isSure = isSure;
    this.#maskedHead = 0;
    while (masked?.[holdFrom + this.#maskedHead] === 1) this.#maskedHead += 1;
    return out;
  }

  /** Passes on the few bytes that are held; what follows is still seen as their continuation. */
  passOnLittle(): Buffer {
    if (!this.holdsLittle) return Buffer.alloc(0);
    const out = this.#rest();
    this.#passedOn = this.#held.length;
    return out;
  }

  /** Nothing more comes: the rest. */
  end(): Buffer {
    const out = this.#rest();
    this.#held = Buffer.alloc(0);
    this.#maskedHead = 0;
    this.#passedOn = 0;
    return out;
  }

  #rest(): Buffer {
    const { masked } = this.#scan(this.#held);
    return this.#written(this.#held, this.#passedOn, this.#held.length, masked);
  }

  #written(bytes: Buffer, from: number, to: number, masked: Uint8Array | null): Buffer {
    if (to <= from) return Buffer.alloc(0);
    if (masked === null) {
      this.#inMask = false;
      return bytes.subarray(from, to);
    }
    const parts: Buffer[] = [];
    for (let at = from; at < to; ) {
      const isMasked = masked[at] === 1;
      const next = masked.indexOf(isMasked ? 0 : 1, at);
      const end = next === -1 || next > to ? to : next;
      if (!isMasked) parts.push(bytes.subarray(at, end));
      else if (!this.#inMask) parts.push(Buffer.from(MASK));
      this.#inMask = isMasked;
      at = end;
    }
    return Buffer.concat(parts);
  }

  #scan(bytes: Buffer): Scan {
    let masked: Uint8Array | null = null;
    const mask = (from: number, to: number) => {
      masked ??= new Uint8Array(bytes.length);
      masked.fill(1, from, to);
    };
    if (this.#maskedHead > 0) mask(0, this.#maskedHead);
    const reader = new Reader(this.#scrubber, mask);
    for (let at = 0; at < bytes.length; at += 1) reader.take(bytes[at] ?? 0, at);
    return { masked, ...reader.held(bytes.length) };
  }
}

/** Reads bytes one by one, and tells which are those of secrets. */
class Reader {
  readonly #scrubber: Scrubber;
  readonly #mask: (from: number, to: number) => void;
  #candidates: Candidate[] = [];
  /** The last four bytes that are no blanks, and where they stand. */
  #key = 0;
  readonly #places = new Int32Array(KEY_BYTES).fill(-1);
  #blanks = 0;

  constructor(scrubber: Scrubber, mask: (from: number, to: number) => void) {
    this.#scrubber = scrubber;
    this.#mask = mask;
  }

  take(byte: number, at: number): void {
    if (isBlank(byte)) {
      this.#blanks += 1;
      if (this.#blanks === MOST_BLANKS) this.#forget();
      return;
    }
    this.#blanks = 0;
    if (this.#candidates.length > 0) this.#compare(byte, at);
    this.#places.copyWithin(0, 1);
    this.#places[KEY_BYTES - 1] = at;
    this.#key = ((this.#key << 8) | byte) >>> 0;
    const start = this.#places[0] ?? -1;
    if (start === -1) return;
    for (const piece of this.#scrubber.begun(this.#key)) this.#candidates.push({ piece, start, seen: KEY_BYTES });
  }

  /** From where on the bytes may be the beginning of a secret. */
  held(length: number): { holdFrom: number; isSure: boolean } {
    const [first] = this.#candidates;
    const isSure = first !== undefined;
    let holdFrom = Math.min(length, ...this.#candidates.map(({ start }) => start));
    for (let count = 1; count < KEY_BYTES; count += 1) {
      const start = this.#places[KEY_BYTES - count] ?? -1;
      if (start !== -1 && this.#scrubber.mayBegin(this.#key, count)) holdFrom = Math.min(holdFrom, start);
    }
    return { holdFrom, isSure };
  }

  #compare(byte: number, at: number): void {
    this.#candidates = this.#candidates.filter((candidate) => {
      if (candidate.piece[candidate.seen] !== byte) return false;
      candidate.seen += 1;
      if (candidate.seen < candidate.piece.length) return true;
      this.#mask(candidate.start, at + 1);
      return false;
    });
  }

  #forget(): void {
    this.#candidates = [];
    this.#places.fill(-1);
  }
}
