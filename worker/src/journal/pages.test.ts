import { decodeRecords, MAX_FRAME_PAYLOAD_BYTES, MAX_RECORD_DATA_BYTES } from '@icefall/shared';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { COALESCE_MS, RecentPages } from './pages.ts';

fc.configureGlobal({ seed: 1 });

function allRecords(pages: RecentPages, from = 0) {
  const pieces: Uint8Array[] = [];
  for (let at = from; at < pages.end; ) {
    const view = pages.view(at, pages.end);
    if (view === null) throw new Error(`nothing at ${at}`);
    pieces.push(view);
    at += view.length;
  }
  return [...decodeRecords(Buffer.concat(pieces))];
}

it('joins pieces of one stream that come together, so that tiny writes are not a record each', () => {
  const pages = new RecentPages(0);
  for (let i = 0; i < 1000; i += 1) pages.append(1, 100, Buffer.from('x'));
  expect(allRecords(pages)).toEqual([{ stream: 1, at: 100, data: Buffer.from('x'.repeat(1000)) }]);
});

it('does not join what is of another stream, of another time, or was sealed', () => {
  const pages = new RecentPages(0);
  pages.append(1, 100, Buffer.from('a'));
  pages.append(2, 100, Buffer.from('b'));
  pages.append(2, 100 + COALESCE_MS + 1, Buffer.from('c'));
  pages.seal();
  pages.append(2, 100 + COALESCE_MS + 1, Buffer.from('d'));
  expect(allRecords(pages).map(({ data }) => Buffer.from(data).toString())).toEqual(['a', 'b', 'c', 'd']);
});

it('keeps every byte in order, in records that frames can hold, whatever is appended', () => {
  const piece = fc.record({
    stream: fc.integer({ min: 0, max: 3 }),
    later: fc.integer({ min: 0, max: 8 }),
    size: fc.oneof(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 3 * MAX_RECORD_DATA_BYTES })),
    seal: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
      const pages = new RecentPages(500);
      const wrote = new Map<number, Buffer[]>();
      let at = 0;
      pieces.forEach(({ stream, later, size, seal }, index) => {
        at += later;
        const data = Buffer.alloc(size, index);
        pages.append(stream, at, data);
        wrote.set(stream, [...(wrote.get(stream) ?? []), data]);
        if (seal) pages.seal();
      });
      const read = new Map<number, Buffer[]>();
      for (const { stream, data } of allRecords(pages, 500)) {
        expect(data.length).toBeLessThanOrEqual(MAX_RECORD_DATA_BYTES);
        read.set(stream, [...(read.get(stream) ?? []), Buffer.from(data)]);
      }
      for (const [stream, data] of wrote)
        expect(Buffer.concat(read.get(stream) ?? []).equals(Buffer.concat(data))).toBe(true);
      const view = pages.view(500, pages.end);
      expect(view?.length ?? 0).toBeLessThanOrEqual(MAX_FRAME_PAYLOAD_BYTES);
    }),
    { numRuns: 60 },
  );
});

it('forgets old pages at the limit, but never what is still needed', () => {
  const pages = new RecentPages(0);
  const chunk = Buffer.alloc(60_000);
  for (let i = 0; i < 40; i += 1) pages.append(1, i * 100, chunk);
  const { end } = pages;
  pages.release(0, 1_000_000, 300_000);
  expect(pages.start).toBeGreaterThan(0);
  expect(pages.start).toBeLessThanOrEqual(300_000);
  pages.release(0, 1_000_000, end);
  expect(end - pages.start).toBeLessThanOrEqual(1_000_000);
  expect(pages.view(0, end)).toBeNull();
  pages.release(end, 1_000_000, end);
  expect(pages.view(pages.start, end)).not.toBeNull();
});
