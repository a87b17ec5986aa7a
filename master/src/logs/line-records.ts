import { type JournalRecord, MAX_RECORD_DATA_BYTES, RECORD_HEADER_BYTES } from '@icefall/shared';

const NEWLINE = 0x0a;

/** A line longer than this is cut into several, so that no line has to be held whole without a bound. */
export const MAX_LINE_BYTES = MAX_RECORD_DATA_BYTES;

/** A record of whole lines of one stream: every line ends in a newline. */
export interface LineRecord extends JournalRecord {
  readonly lines: number;
}

/**
 * Turns the chunks of a journal into records of whole lines. Standard output and error are chunked wherever the pipe
 * happened to break; a line belongs to one stream, and stands in the log where its end came. Its time is that of its
 * end.
 */
export class LineAssembler {
  readonly #partial = new Map<number, Uint8Array>();

  /** Whole lines that the chunk completes. */
  push(record: JournalRecord): LineRecord[] {
    const before = this.#partial.get(record.stream);
    const data = before === undefined ? record.data : Buffer.concat([before, record.data]);
    const end = lastNewline(data) + 1;
    const rest = data.subarray(end);
    if (rest.length > 0) this.#partial.set(record.stream, new Uint8Array(rest));
    else this.#partial.delete(record.stream);
    const lines = end === 0 ? [] : split(record.stream, record.at, data.subarray(0, end));
    if (rest.length < MAX_LINE_BYTES) return lines;
    this.#partial.delete(record.stream);
    return [...lines, ...split(record.stream, record.at, Buffer.concat([rest, Buffer.of(NEWLINE)]))];
  }

  /** The lines that were begun and never ended, each given its newline. */
  flush(at: number): LineRecord[] {
    const rest = [...this.#partial].flatMap(([stream, data]) =>
      split(stream, at, Buffer.concat([data, Buffer.of(NEWLINE)])),
    );
    this.#partial.clear();
    return rest;
  }
}

function lastNewline(data: Uint8Array): number {
  return data.lastIndexOf(NEWLINE);
}

/** Records of whole lines, none longer than the format allows; a line that is too long is cut. */
function split(stream: number, at: number, data: Uint8Array): LineRecord[] {
  if (data.length <= MAX_RECORD_DATA_BYTES) return [{ stream, at, data, lines: countLines(data) }];
  const records: LineRecord[] = [];
  let from = 0;
  while (from < data.length) {
    const piece = data.subarray(from, from + MAX_RECORD_DATA_BYTES);
    const end = lastNewline(piece) + 1;
    if (end > 0) {
      records.push({ stream, at, data: piece.subarray(0, end), lines: countLines(piece.subarray(0, end)) });
      from += end;
    } else {
      const cut = Buffer.concat([piece.subarray(0, MAX_RECORD_DATA_BYTES - 1), Buffer.of(NEWLINE)]);
      records.push({ stream, at, data: cut, lines: 1 });
      from += MAX_RECORD_DATA_BYTES - 1;
    }
  }
  return records;
}

/** Newlines in the bytes. */
export function countLines(data: Uint8Array): number {
  let count = 0;
  for (let at = data.indexOf(NEWLINE); at !== -1; at = data.indexOf(NEWLINE, at + 1)) count += 1;
  return count;
}

/** Encodes records of lines for storage. */
export function encodeLineRecords(records: readonly LineRecord[]): Buffer {
  // One buffer for all: a fast log makes thousands of these a second.
  const bytes = Buffer.allocUnsafe(records.reduce((sum, { data }) => sum + RECORD_HEADER_BYTES + data.length, 0));
  let at = 0;
  for (const { stream, at: time, data } of records) {
    bytes.writeUInt8(stream, at);
    bytes.writeDoubleBE(time, at + 1);
    bytes.writeUInt32BE(data.length, at + 9);
    bytes.set(data, at + RECORD_HEADER_BYTES);
    at += RECORD_HEADER_BYTES + data.length;
  }
  return bytes;
}
