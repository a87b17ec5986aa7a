import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeSnapshot, encodeSnapshot, type SnapshotEntry } from './snapshot.ts';

const name = fc
  .uint8Array({ minLength: 1, maxLength: 12 })
  .map((bytes) => Buffer.from(bytes).toString('latin1'))
  .filter((text) => !/[\0/]/.test(text) && text !== '.' && text !== '..');
const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'));
const head = {
  path,
  mode: fc.integer({ min: 0, max: 0o7777 }),
  mtimeNs: fc.bigInt({ min: -(10n ** 18n), max: 10n ** 19n }),
};
const entry: fc.Arbitrary<SnapshotEntry> = fc.oneof(
  fc.record({
    ...head,
    type: fc.constant('directory' as const),
    sizeBytes: fc.constant(0),
    hash: fc.constant(null),
    target: fc.constant(null),
  }),
  fc.record({
    ...head,
    type: fc.constant('file' as const),
    sizeBytes: fc.nat(),
    hash: fc.constant('0f'.repeat(20)),
    target: fc.constant(null),
  }),
  fc
    .record({ ...head, type: fc.constant('symlink' as const), target: name, hash: fc.constant(null) })
    .map((link) => ({ ...link, sizeBytes: link.target.length })),
);

describe('a snapshot', () => {
  test('gives back every entry, whatever bytes its names have', () => {
    fc.assert(
      fc.property(fc.array(entry), (entries) => {
        expect(decodeSnapshot(encodeSnapshot(entries))).toEqual(entries);
      }),
    );
  });

  test.each([
    ['another form', 'something else 1\n'],
    ['a line that is not JSON', 'icefall-snapshot 1\nnonsense\n'],
    ['a path that climbs', 'icefall-snapshot 1\n{"p":"a/../../b","t":"d","m":493,"n":"0"}\n'],
    ['an absolute path', 'icefall-snapshot 1\n{"p":"/etc","t":"d","m":493,"n":"0"}\n'],
    ['a file without a hash', 'icefall-snapshot 1\n{"p":"a","t":"f","m":420,"n":"0","s":1}\n'],
  ])('with %s is refused', (_what, text) => {
    expect(() => decodeSnapshot(Buffer.from(text))).toThrow(expect.objectContaining({ code: 'bad_snapshot' }));
  });
});
