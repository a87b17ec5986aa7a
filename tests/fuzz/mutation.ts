import fc from 'fast-check';

/** Numbers in [0, 1), the same for the same seed (mulberry32). */
export function diceOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Values that break what was not thought of. */
const EVIL: readonly unknown[] = [
  ...[null, true, -1, 0, 1e308, 2 ** 53, -0.5, '', ' ', '\u0000', '\ud800', '../..', '--help', '$(id)', '__proto__'],
  ...['constructor', '\r\nX: y', 'x'.repeat(5000), 'ä'.repeat(300), [], {}, [[[[]]]], { toString: 1 }, ['a', null]],
];

/** What is cheap to read once, and dear many times over where each is looked at from all before it. */
const PIECES = ['"', '\\"', '\\', '[', '{"a":', ' ', '\r', '\n', ',', 'a', '/', ':', '%', '&', '=', '.', '@', '<', '-'];
const REPEATED_BYTES = 128 * 1024;

/**
 * Makes inputs out of right ones: bytes changed, cut out, doubled and mixed with those of others; values of JSON put
 * in the place of each other, or of evil ones; something put in thousands of times; and JSON that fast-check makes up.
 */
export class Mutator {
  readonly #dice: () => number;
  readonly #corpus: readonly Buffer[];
  #madeUp: string[] = [];
  #round: number;

  constructor(corpus: readonly Buffer[], seed: number) {
    this.#dice = diceOf(seed);
    this.#corpus = corpus;
    this.#round = seed;
  }

  next(): Buffer {
    const kind = this.#dice();
    if (kind < 0.02) return this.#stuffed(this.#pick(this.#corpus));
    if (kind < 0.1) return this.#invented();
    if (kind < 0.2) return this.#pick(this.#corpus);
    if (kind < 0.6) return this.#otherValues(this.#pick(this.#corpus));
    let bytes = this.#pick(this.#corpus);
    for (let times = this.#below(4); times >= 0; times -= 1) bytes = this.#otherBytes(bytes);
    return bytes;
  }

  #below(limit: number): number {
    return Math.floor(this.#dice() * limit);
  }

  #pick<T>(of: readonly T[]): T {
    const picked = of[this.#below(of.length)];
    if (picked === undefined) throw new Error('the corpus is empty');
    return picked;
  }

  #invented(): Buffer {
    if (this.#madeUp.length === 0) {
      this.#round += 1;
      this.#madeUp = fc.sample(fc.oneof(fc.json(), fc.string({ unit: 'binary' })), { seed: this.#round, numRuns: 200 });
    }
    return Buffer.from(this.#madeUp.pop() ?? '');
  }

  #stuffed(bytes: Buffer): Buffer {
    const at = this.#below(bytes.length + 1);
    const stuffing = Buffer.alloc(REPEATED_BYTES, this.#pick(PIECES));
    return Buffer.concat([bytes.subarray(0, at), stuffing, this.#dice() < 0.5 ? bytes.subarray(at) : Buffer.alloc(0)]);
  }

  #otherBytes(bytes: Buffer): Buffer {
    const at = this.#below(bytes.length + 1);
    const end = Math.min(bytes.length, at + this.#below(40));
    switch (this.#below(5)) {
      case 0: {
        const changed = Buffer.from(bytes);
        if (at < changed.length) changed[at] = this.#below(256);
        return changed;
      }
      case 1:
        return Buffer.concat([bytes.subarray(0, at), bytes.subarray(end)]);
      case 2:
        return Buffer.concat([bytes.subarray(0, end), bytes.subarray(at)]);
      case 3:
        return bytes.subarray(0, at);
      default:
        return Buffer.concat([bytes.subarray(0, at), this.#pick(this.#corpus).subarray(at)]);
    }
  }

  #otherValues(bytes: Buffer): Buffer {
    let value: unknown;
    try {
      value = JSON.parse(bytes.toString());
    } catch {
      return this.#otherBytes(bytes);
    }
    return Buffer.from(JSON.stringify(this.#changed(value)) ?? 'null');
  }

  #changed(value: unknown): unknown {
    if (typeof value !== 'object' || value === null || this.#dice() < 0.05) return this.#pick(EVIL);
    const keys = Object.keys(value);
    if (keys.length === 0) return this.#pick(EVIL);
    const key = this.#pick(keys);
    const rest = Object.entries(value).filter(([name]) => name !== key);
    if (this.#dice() < 0.1) return Object.fromEntries(rest);
    const part: unknown = Reflect.get(value, key);
    if (Array.isArray(value)) return value.map((one, index) => (String(index) === key ? this.#changed(one) : one));
    return Object.fromEntries([...rest, [key, this.#changed(part)]]);
  }
}
