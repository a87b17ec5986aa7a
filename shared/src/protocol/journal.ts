import { ProtocolError } from './messages.ts';

/**
 * The journal of a command: an append-only sequence of records, written by the worker and replicated byte for byte to
 * the master. A record is `u8 stream · f64 time (ms since the epoch) · u32 length · bytes`, big endian.
 *
 * Streams 0 to 2 belong to the log `stdio`; a stream from 16 on is the extra log file of that index in the command.
 */
export const STREAM = { header: 0, stdout: 1, stderr: 2, firstLogFile: 16 } as const;
/** Streams a command can have for extra log files. */
export const MAX_LOG_FILES = 200;
export const RECORD_HEADER_BYTES = 13;
/** A larger chunk is written as several records, so that a frame always holds whole records. */
export const MAX_RECORD_DATA_BYTES = 64 * 1024;

export interface JournalRecord {
  readonly stream: number;
  /** Milliseconds since the epoch, by the writer's clock. */
  readonly at: number;
  readonly data: Uint8Array;
}

/** Encodes one record. `data` must not be longer than {@link MAX_RECORD_DATA_BYTES}. */
export function encodeRecord(record: JournalRecord): Uint8Array {
  const bytes = new Uint8Array(RECORD_HEADER_BYTES + record.data.length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, record.stream);
  view.setFloat64(1, record.at);
  view.setUint32(9, record.data.length);
  bytes.set(record.data, RECORD_HEADER_BYTES);
  return bytes;
}

/**
 * Yields the whole records in `bytes` (data are views) and returns how many bytes they took; a cut-off record at the
 * end is left over. Throws {@link ProtocolError} for a record that no writer makes.
 */
export function* decodeRecords(bytes: Uint8Array): Generator<JournalRecord, number> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 0;
  while (at + RECORD_HEADER_BYTES <= bytes.length) {
    const length = view.getUint32(at + 9);
    if (length > MAX_RECORD_DATA_BYTES)
      throw new ProtocolError('bad_record', `a journal record of ${length} bytes is over ${MAX_RECORD_DATA_BYTES}`);
    const end = at + RECORD_HEADER_BYTES + length;
    if (end > bytes.length) break;
    yield {
      stream: view.getUint8(at),
      at: view.getFloat64(at + 1),
      data: bytes.subarray(at + RECORD_HEADER_BYTES, end),
    };
    at = end;
  }
  return at;
}

/** Bytes taken by the whole records at the start of `bytes`. */
export function wholeRecordBytes(bytes: Uint8Array): number {
  const records = decodeRecords(bytes);
  for (;;) {
    const step = records.next();
    if (step.done) return step.value;
  }
}
