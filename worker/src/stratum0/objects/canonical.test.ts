import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inflateSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { stockRepository } from '../testing/stock.ts';
import { canonicalZlib } from './canonical.ts';
import { codeLengths, codesOf } from './huffman.ts';

/** More is not taken. */
const MOST_BYTES = 16_000;

describe('what mirrors compress anew', () => {
  test("is stored as zlib's own source stores it: byte for byte what the stock tools have made", () => {
    const stock = stockRepository();
    try {
      const compared = new Map<string, number>();
      for (const directory of readdirSync(join(stock.directory, 'data')))
        for (const name of readdirSync(join(stock.directory, 'data', directory))) {
          const stored = readFileSync(join(stock.directory, 'data', directory, name));
          const content = inflateSync(stored);
          if (content.length > MOST_BYTES) continue;
          expect(canonicalZlib(content).toString('hex'), directory + name).toBe(stored.toString('hex'));
          const kind = /[A-Z]?$/.exec(name)?.[0] ?? '';
          compared.set(kind, (compared.get(kind) ?? 0) + 1);
        }
      expect(Object.fromEntries(compared)).toEqual({ '': 130, H: 3, M: 1, X: 1 });
    } finally {
      stock.remove();
    }
  });

  test('is unpacked to what it was, whatever it was', () => {
    const contents = fc.oneof(
      fc.uint8Array({ size: 'max', maxLength: MOST_BYTES }),
      fc
        .tuple(fc.string(), fc.nat(3000))
        .map(([text, times]) => Buffer.from(text.repeat(times)).subarray(0, MOST_BYTES)),
      fc.array(fc.constantFrom(65, 66, 67), { size: 'max', maxLength: 2000 }).map((bytes) => Uint8Array.from(bytes)),
    );
    fc.assert(
      fc.property(contents, (content) => {
        expect(inflateSync(canonicalZlib(content)).equals(content)).toBe(true);
      }),
    );
  });

  test('is refused where it would not fit into one block', () => {
    expect(() => canonicalZlib(Buffer.alloc(MOST_BYTES + 1))).toThrow(/at most 16000/);
  });
});

describe('codes of symbols', () => {
  test('are no longer than allowed, and leave no code unused', () => {
    const counts = fc.array(
      fc.oneof(
        fc.nat(3),
        fc.nat(30).map((power) => 2 ** power),
      ),
      { minLength: 3, maxLength: 19 },
    );
    fc.assert(
      fc.property(counts, (some) => {
        const lengths = codeLengths(some, 7);
        const used = lengths.filter((length) => length > 0);
        expect(Math.max(...used)).toBeLessThanOrEqual(7);
        expect(used.reduce((sum, length) => sum + 2 ** -length, 0)).toBe(1);
        for (const [symbol, count] of some.entries()) if (count > 0) expect(lengths[symbol]).toBeGreaterThan(0);
      }),
    );
  });

  test('have their first bit lowest', () => {
    expect(codesOf([2, 1, 3, 3])).toEqual([0b01, 0, 0b011, 0b111]);
  });
});
