import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inflateSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { stockRepository } from '../testing/stock.ts';
import { canonicalZlib } from './canonical.ts';

const MOST_BYTES = 100_000;

describe('what mirrors compress anew', () => {
  test("is stored as zlib's own source stores it: byte for byte what the stock tools have made", () => {
    const stock = stockRepository();
    try {
      const compared = new Map<string, number>();
      for (const directory of readdirSync(join(stock.directory, 'data')))
        for (const name of readdirSync(join(stock.directory, 'data', directory))) {
          const stored = readFileSync(join(stock.directory, 'data', directory, name));
          const content = inflateSync(stored);
          expect(canonicalZlib(content).toString('hex'), directory + name).toBe(stored.toString('hex'));
          const kind = /[A-Z]?$/.exec(name)?.[0] ?? '';
          compared.set(kind, (compared.get(kind) ?? 0) + 1);
        }
      expect(Object.fromEntries(compared)).toEqual({ '': 131, C: 9, H: 3, M: 1, P: 3, X: 1 });
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
});
