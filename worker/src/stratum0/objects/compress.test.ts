import { randomBytes } from 'node:crypto';
import { deflateSync, inflateSync } from 'node:zlib';
import fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { compress } from './compress.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

describe('an object as it is stored', () => {
  afterEach(() => {
    vi.doUnmock('node:zlib');
    vi.resetModules();
  });

  test('is what zlib makes of it at its default level, whatever was compressed before', () => {
    const contents = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.uint8Array({ size: 'max', maxLength: 40 * KIB }),
      fc.tuple(fc.string(), fc.nat(3000)).map(([text, times]) => Buffer.from(text.repeat(times)).subarray(0, 20 * KIB)),
    );
    fc.assert(
      fc.property(fc.array(contents, { minLength: 1, maxLength: 6 }), (several) => {
        const stored = several.map((content) => compress(content));
        expect(stored.map((bytes) => bytes.toString('hex'))).toEqual(
          several.map((content) => deflateSync(content).toString('hex')),
        );
      }),
    );
  });

  test.each([0, 1, 16 * KIB, 16 * KIB + 1])('is zlib’s form also of %i bytes that cannot be made smaller', (length) => {
    const content = randomBytes(length);
    expect(compress(content).equals(deflateSync(content))).toBe(true);
  });

  test('is the same whatever was compressed before', () => {
    let seed = 1;
    const noise = (length: number, values: number): Buffer => {
      const bytes = Buffer.alloc(length);
      for (let i = 0; i < length; i += 1) {
        seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
        bytes[i] = (seed >> 16) % values;
      }
      return bytes;
    };
    for (let length = 7000; length < 7200; length += 1) {
      compress(noise(16 * KIB, 256));
      const content = noise(length, 8);
      expect(compress(content).equals(deflateSync(content))).toBe(true);
    }
  });

  test('is the same where Node’s engines are not as they are known', async () => {
    const zlib = await vi.importActual<typeof import('node:zlib')>('node:zlib');
    const createDeflate = vi.fn(() => ({ _handle: { reset: true }, _writeState: [] }));
    vi.doMock('node:zlib', () => ({ ...zlib, createDeflate }));
    vi.resetModules();
    const { compress: anew } = await import('./compress.ts');
    const content = Buffer.from('content '.repeat(50));
    expect(anew(content).equals(compress(content))).toBe(true);
    expect(createDeflate).toHaveBeenCalledOnce();
  });

  test('is not made smaller with effort where that is in vain, and is in the same form', () => {
    const noise = randomBytes(MIB);
    expect(compress(noise).length).toBeLessThan(MIB + KIB);
    expect(inflateSync(compress(noise)).equals(noise)).toBe(true);
    expect(compress(Buffer.alloc(MIB)).length).toBeLessThan(2000);
    // A compressible end is worth it.
    expect(compress(Buffer.concat([noise, Buffer.alloc(MIB)])).length).toBeLessThan(1.1 * MIB);
  });
});
