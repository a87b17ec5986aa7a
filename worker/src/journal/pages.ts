import { MAX_FRAME_PAYLOAD_BYTES, MAX_RECORD_DATA_BYTES, RECORD_HEADER_BYTES } from '@icefall/shared';

/** Most commands write little: the first page of a journal is small. */
const FIRST_PAGE_BYTES = 16 * 1024;
/** A page is sent as one frame, so it is as large as one. */
const PAGE_BYTES = MAX_FRAME_PAYLOAD_BYTES;
/** Pieces of one stream that come within this time become one record: a log shows times to the millisecond at best. */
export const COALESCE_MS = 5;
/** The rest of a page is not worth a record of its own below this. */
const SMALLEST_PIECE_BYTES = 4 * 1024;

interface Page {
  /** Offset in the journal of its first byte. */
  readonly start: number;
  readonly bytes: Buffer;
  used: number;
}

interface OpenRecord {
  readonly page: Page;
  /** Of its header in the page. */
  readonly position: number;
  readonly stream: number;
  readonly at: number;
  length: number;
}

const pageEnd = (page: Page): number => page.start + page.used;

/** The newest bytes of a journal, in memory: records are made here, written to disk from here, and sent from here. */
export class RecentPages {
  #pages: Page[] = [];
  #open: OpenRecord | null = null;
  #end: number;

  constructor(start: number) {
    this.#end = start;
  }

  /** Offset after the last byte appended. */
  get end(): number {
    return this.#end;
  }

  /** Offset of the first byte that is still in memory. */
  get start(): number {
    return this.#pages[0]?.start ?? this.#end;
  }

  /** Appends data as one or several records, joining it to the record before where that is still {@link seal | open}. */
  append(stream: number, at: number, data: Uint8Array): void {
    let rest = data;
    while (rest.length > 0) rest = rest.subarray(this.#join(stream, at, rest) || this.#begin(stream, at, rest));
  }

  /** What has been appended so far is final: it can be written and sent. */
  seal(): void {
    this.#open = null;
  }

  /**
   * Bytes from an offset, at most to another and not beyond one page: a view. Null where they are not in memory any
   * more. Between sealed offsets these are whole records.
   */
  view(from: number, to: number): Uint8Array | null {
    const page = this.#pages.find((candidate) => from < pageEnd(candidate));
    if (page === undefined || from < page.start) return null;
    return page.bytes.subarray(from - page.start, Math.min(page.used, to - page.start));
  }

  /** Forgets whole pages before the offset, and more while over `limitBytes`, but nothing from `keepFrom` on. */
  release(before: number, limitBytes: number, keepFrom: number): void {
    let first = this.#pages[0];
    while (first !== undefined && first !== this.#pages.at(-1) && pageEnd(first) <= keepFrom) {
      if (pageEnd(first) > before && this.#end - first.start <= limitBytes) return;
      this.#pages.shift();
      first = this.#pages[0];
    }
  }

  #join(stream: number, at: number, data: Uint8Array): number {
    const open = this.#open;
    if (open === null || open.stream !== stream || at - open.at > COALESCE_MS || at < open.at) return 0;
    const { page } = open;
    const take = Math.min(data.length, MAX_RECORD_DATA_BYTES - open.length, page.bytes.length - page.used);
    if (take <= 0) return 0;
    page.bytes.set(data.subarray(0, take), page.used);
    open.length += take;
    page.bytes.writeUInt32BE(open.length, open.position + 9);
    page.used += take;
    this.#end += take;
    return take;
  }

  #begin(stream: number, at: number, data: Uint8Array): number {
    const wanted = Math.min(data.length, MAX_RECORD_DATA_BYTES);
    const page = this.#pageWithRoom(wanted);
    const take = Math.min(wanted, page.bytes.length - page.used - RECORD_HEADER_BYTES);
    const position = page.used;
    // The layout of shared/src/protocol/journal.ts, written in place: encodeRecord would cost another copy.
    page.bytes.writeUInt8(stream, position);
    page.bytes.writeDoubleBE(at, position + 1);
    page.bytes.writeUInt32BE(take, position + 9);
    page.bytes.set(take === data.length ? data : data.subarray(0, take), position + RECORD_HEADER_BYTES);
    page.used += RECORD_HEADER_BYTES + take;
    this.#end += RECORD_HEADER_BYTES + take;
    this.#open = { page, position, stream, at, length: take };
    return take;
  }

  #pageWithRoom(dataBytes: number): Page {
    const last = this.#pages.at(-1);
    const room = last === undefined ? 0 : last.bytes.length - last.used - RECORD_HEADER_BYTES;
    if (last !== undefined && room >= Math.min(dataBytes, SMALLEST_PIECE_BYTES)) return last;
    const size = last === undefined && dataBytes < FIRST_PAGE_BYTES / 4 ? FIRST_PAGE_BYTES : PAGE_BYTES;
    const page: Page = { start: this.#end, bytes: Buffer.allocUnsafeSlow(size), used: 0 };
    this.#pages.push(page);
    return page;
  }
}
