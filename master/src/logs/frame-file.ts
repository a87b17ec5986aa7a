import { closeSync, fstatSync, mkdirSync, openSync, readSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { decodeRecords, type JournalRecord, LOG_MARKS, wholeRecordBytes } from '@icefall/shared';
import { countLines, encodeLineRecords, type LineRecord } from './line-records.ts';

/** Lines are compressed in pieces of this size: small enough that one line comes in milliseconds, large enough to compress well. */
const FRAME_BYTES = 256 * 1024;
/** A log with at most so much text has no file: see {@link FrameWriter.finish}. Most steps stay far below. */
const SMALL_LOG_BYTES = 16 * 1024;

/** Where a frame lies in its file, and which lines it holds. */
export interface FrameEntry {
  readonly firstLine: number;
  readonly lines: number;
  readonly offset: number;
  readonly bytes: number;
  /** Whether any of its lines may begin or end a group; absent in files of masters that did not look. */
  readonly marked?: boolean;
}

/** A finished frame file ends with its index: JSON, compressed, then `u32 length of that · "ICEL"`. */
const MAGIC = Buffer.from('ICEL');
const TAIL_BYTES = 8;

const MARK = new RegExp(LOG_MARKS, 'm');

/** Whether a line of these records may be a mark of a group: cheap beside their compression. */
function isMarked(records: readonly LineRecord[]): boolean {
  // Marks are ASCII: bytes as characters will do, and cost nothing to make.
  return MARK.test(Buffer.concat(records.map(({ data }) => data)).toString('latin1'));
}

/** A log file is not what was written. */
export class LogFileError extends Error {
  readonly code = 'log_file';
  constructor(path: string, why: string) {
    super(`the log file ${path} is damaged: ${why}`);
    this.name = 'LogFileError';
  }
}

/** With a checksum in every frame (RFC 8878, 3.1.1): a byte that the disk has changed is noticed. */
function compress(data: Uint8Array): Buffer {
  return zstdCompressSync(data, { params: { [constants.ZSTD_c_checksumFlag]: 1 } });
}

function decompress(path: string, what: string, data: Uint8Array): Buffer {
  try {
    return zstdDecompressSync(data);
  } catch (error) {
    throw new LogFileError(path, `${what} cannot be decompressed (${error instanceof Error ? error.message : error})`);
  }
}

/** Records that hold lines from `first` on, with the number of the first line of each. */
export type Records = Generator<{ firstLine: number; record: JournalRecord }>;

/**
 * One log on disk: independently compressed frames of whole lines. While it is written the index and the last, unfinished
 * frame are in memory, and there is no file before the first frame is full; what is durable meanwhile is the journal it
 * is made from.
 */
export class FrameWriter {
  readonly path: string;
  #fd: number | null = null;
  readonly #frames: FrameEntry[] = [];
  #offset = 0;
  #tail: LineRecord[] = [];
  #tailBytes = 0;
  #tailLines = 0;
  #lines = 0;
  #textBytes = 0;

  constructor(path: string) {
    this.path = path;
  }

  get lines(): number {
    return this.#lines;
  }
  /** Of text, newlines included. */
  get bytes(): number {
    return this.#textBytes;
  }

  append(record: LineRecord): void {
    this.#tail.push(record);
    this.#tailBytes += record.data.length;
    this.#tailLines += record.lines;
    this.#lines += record.lines;
    this.#textBytes += record.data.length;
    if (this.#tailBytes >= FRAME_BYTES) this.#closeFrame();
  }

  #closeFrame(): void {
    if (this.#tail.length === 0) return;
    const compressed = compress(encodeLineRecords(this.#tail));
    writeAll(this.#opened(), compressed, this.#offset);
    this.#frames.push({
      firstLine: this.#lines - this.#tailLines,
      lines: this.#tailLines,
      offset: this.#offset,
      bytes: compressed.length,
      marked: isMarked(this.#tail),
    });
    this.#offset += compressed.length;
    this.#tail = [];
    this.#tailBytes = 0;
    this.#tailLines = 0;
  }

  #opened(): number {
    if (this.#fd === null) {
      mkdirSync(dirname(this.path), { recursive: true });
      this.#fd = openSync(this.path, 'w+');
    }
    return this.#fd;
  }

  /** The first line from `first` on from which there may be marks of groups; {@link lines} where there is none. */
  nextMarked(first: number): number {
    return markedFrom(this.#frames, first) ?? Math.max(first, this.#lines - this.#tailLines);
  }

  /** See {@link Records}. */
  *read(first: number): Records {
    if (this.#fd !== null) yield* readFrames(this.#fd, this.path, this.#frames, first);
    let firstLine = this.#lines - this.#tailLines;
    for (const record of this.#tail) {
      if (firstLine + record.lines > first) yield { firstLine, record };
      firstLine += record.lines;
    }
  }

  /**
   * Ends the log. A small one is given as a frame for the caller to keep (see {@link readSmallLog}), and has no file.
   * Otherwise the last frame and the index are written and the file is closed, but not yet durable.
   */
  finish(): Buffer | null {
    if (this.#fd === null && this.#textBytes <= SMALL_LOG_BYTES) return compress(encodeLineRecords(this.#tail));
    this.#closeFrame();
    const fd = this.#opened();
    const index = compress(Buffer.from(JSON.stringify({ bytes: this.#textBytes, frames: this.#frames })));
    const size = Buffer.alloc(4);
    size.writeUInt32BE(index.length);
    const end = Buffer.concat([index, size, MAGIC]);
    writeAll(fd, end, this.#offset);
    this.abandon();
    return null;
  }

  /** Closes without finishing; the journal still has everything. */
  abandon(): void {
    if (this.#fd !== null) closeSync(this.#fd);
    this.#fd = null;
  }
}

const SMALL_LOG_PLACE = 'in the database';

/** Reads what {@link FrameWriter.finish} gave of a small log. */
export function readSmallLog(frame: Buffer, first: number): Records {
  return recordsFrom(SMALL_LOG_PLACE, decompress(SMALL_LOG_PLACE, 'its frame', frame), 0, first);
}

/** What a finished file holds, from its end. */
export interface FrameIndex {
  readonly frames: readonly FrameEntry[];
  /** Of text. */
  readonly bytes: number;
}

/** A finished log. */
export class FrameReader implements Disposable {
  readonly path: string;
  readonly lines: number;
  readonly bytes: number;
  /** To be given to the next reader of the same file, so that it need not read it. */
  readonly index: FrameIndex;
  readonly #fd: number;

  /** Throws {@link LogFileError}, for a file that is missing too. */
  constructor(path: string, known?: FrameIndex) {
    this.path = path;
    this.#fd = openFile(path);
    try {
      this.index = known ?? readIndex(this.#fd, path);
      this.bytes = this.index.bytes;
      const last = this.index.frames.at(-1);
      this.lines = last === undefined ? 0 : last.firstLine + last.lines;
    } catch (error) {
      closeSync(this.#fd);
      if (error instanceof LogFileError) throw error;
      throw new LogFileError(path, error instanceof Error ? error.message : String(error));
    }
  }

  /** As {@link FrameWriter.nextMarked}. */
  nextMarked(first: number): number {
    return markedFrom(this.index.frames, first) ?? this.lines;
  }

  /** As {@link FrameWriter.read}. */
  read(first: number): Records {
    return readFrames(this.#fd, this.path, this.index.frames, first);
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}

function openFile(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (error) {
    const isMissing = error instanceof Error && Reflect.get(error, 'code') === 'ENOENT';
    throw isMissing ? new LogFileError(path, 'it is missing') : error;
  }
}

/** Writes all of it: on a disk that is nearly full the system may take less. Throws what it says. */
function writeAll(fd: number, bytes: Uint8Array, offset: number): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done, bytes.length - done, offset + done);
}

function readIndex(fd: number, path: string): FrameIndex {
  const { size } = fstatSync(fd);
  const tail = readExactly(fd, path, size - TAIL_BYTES, TAIL_BYTES);
  if (!tail.subarray(4).equals(MAGIC)) throw new LogFileError(path, 'it has no index at its end');
  const length = tail.readUInt32BE(0);
  const packed = readExactly(fd, path, size - TAIL_BYTES - length, length);
  return JSON.parse(decompress(path, 'its index', packed).toString());
}

function* readFrames(fd: number, path: string, frames: readonly FrameEntry[], first: number): Records {
  for (let i = frameOf(frames, first); i < frames.length; i += 1) {
    const frame = frames[i];
    if (frame === undefined) return;
    const what = `the frame of lines ${frame.firstLine} to ${frame.firstLine + frame.lines - 1}`;
    const bytes = decompress(path, what, readExactly(fd, path, frame.offset, frame.bytes));
    yield* recordsFrom(path, bytes, frame.firstLine, first);
  }
}

function* recordsFrom(path: string, bytes: Uint8Array, firstLine: number, first: number): Records {
  let line = firstLine;
  for (const record of wholeRecords(path, bytes)) {
    const lines = countLines(record.data);
    if (line + lines > first) yield { firstLine: line, record };
    line += lines;
  }
}

function wholeRecords(path: string, bytes: Uint8Array): Iterable<JournalRecord> {
  if (wholeRecordBytes(bytes) !== bytes.length) throw new LogFileError(path, 'a frame ends inside a record');
  return decodeRecords(bytes);
}

/** The first line from `first` on that lies in a frame which may have marks. */
function markedFrom(frames: readonly FrameEntry[], first: number): number | null {
  for (let i = frameOf(frames, first); i < frames.length; i += 1) {
    const frame = frames[i];
    if (frame !== undefined && frame.marked !== false) return Math.max(first, frame.firstLine);
  }
  return null;
}

/** Index of the first frame that holds the line or a later one. */
function frameOf(frames: readonly FrameEntry[], line: number): number {
  let low = 0;
  let high = frames.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const frame = frames[middle];
    if (frame !== undefined && frame.firstLine + frame.lines <= line) low = middle + 1;
    else high = middle;
  }
  return low;
}

function readExactly(fd: number, path: string, offset: number, bytes: number): Buffer {
  const buffer = Buffer.allocUnsafe(Math.max(0, bytes));
  if (offset < 0 || readSync(fd, buffer, 0, bytes, offset) !== bytes)
    throw new LogFileError(path, 'it is shorter than its index says');
  return buffer;
}
