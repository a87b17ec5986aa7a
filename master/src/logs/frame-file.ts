import { closeSync, fdatasyncSync, openSync, readSync, writeSync } from 'node:fs';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { decodeRecords, type JournalRecord } from '@icefall/shared';
import { countLines, encodeLineRecords, type LineRecord } from './line-records.ts';

/** Lines are compressed in pieces of this size: small enough that one line comes in milliseconds, large enough to compress well. */
export const FRAME_BYTES = 256 * 1024;

/** Where a frame lies in its file, and which lines it holds. */
export interface FrameEntry {
  readonly firstLine: number;
  readonly lines: number;
  readonly offset: number;
  readonly bytes: number;
}

/** A finished frame file ends with its index: JSON, compressed, then `u32 length of that · "ICEL"`. */
const MAGIC = Buffer.from('ICEL');
const TAIL_BYTES = 8;

/** A log file is not what was written. */
export class LogFileError extends Error {
  readonly code = 'log_file';
  constructor(path: string, why: string) {
    super(`the log file ${path} is damaged: ${why}`);
    this.name = 'LogFileError';
  }
}

/**
 * One log on disk: independently compressed frames of whole lines. While it is written the index and the last, unfinished
 * frame are in memory; what is durable meanwhile is the journal it is made from.
 */
export class FrameWriter {
  readonly path: string;
  readonly #fd: number;
  readonly #frames: FrameEntry[] = [];
  #offset = 0;
  #tail: LineRecord[] = [];
  #tailBytes = 0;
  #tailLines = 0;
  #lines = 0;
  #textBytes = 0;

  constructor(path: string) {
    this.path = path;
    this.#fd = openSync(path, 'w+');
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
    const compressed = zstdCompressSync(encodeLineRecords(this.#tail));
    writeSync(this.#fd, compressed, 0, compressed.length, this.#offset);
    this.#frames.push({
      firstLine: this.#lines - this.#tailLines,
      lines: this.#tailLines,
      offset: this.#offset,
      bytes: compressed.length,
    });
    this.#offset += compressed.length;
    this.#tail = [];
    this.#tailBytes = 0;
    this.#tailLines = 0;
  }

  /** Records that hold lines from `first` on, with the number of the first line of each. */
  *read(first: number): Generator<{ firstLine: number; record: JournalRecord }> {
    yield* readFrames(this.#fd, this.path, this.#frames, first);
    let firstLine = this.#lines - this.#tailLines;
    for (const record of this.#tail) {
      if (firstLine + record.lines > first) yield { firstLine, record };
      firstLine += record.lines;
    }
  }

  /** Writes the last frame and the index, makes all of it durable, and closes the file. */
  finish(): void {
    this.#closeFrame();
    const index = zstdCompressSync(Buffer.from(JSON.stringify({ bytes: this.#textBytes, frames: this.#frames })));
    const size = Buffer.alloc(4);
    size.writeUInt32BE(index.length);
    const end = Buffer.concat([index, size, MAGIC]);
    writeSync(this.#fd, end, 0, end.length, this.#offset);
    fdatasyncSync(this.#fd);
    closeSync(this.#fd);
  }

  /** Closes without finishing; the journal still has everything. */
  abandon(): void {
    closeSync(this.#fd);
  }
}

/** A finished log. */
export class FrameReader implements Disposable {
  readonly path: string;
  readonly lines: number;
  readonly bytes: number;
  readonly #fd: number;
  readonly #frames: readonly FrameEntry[];

  /** Throws {@link LogFileError}, or the system's error for a file that cannot be opened. */
  constructor(path: string, sizeBytes: number) {
    this.path = path;
    this.#fd = openSync(path, 'r');
    try {
      const tail = readExactly(this.#fd, path, sizeBytes - TAIL_BYTES, TAIL_BYTES);
      if (!tail.subarray(4).equals(MAGIC)) throw new LogFileError(path, 'it has no index at its end');
      const length = tail.readUInt32BE(0);
      const packed = readExactly(this.#fd, path, sizeBytes - TAIL_BYTES - length, length);
      const index: { bytes: number; frames: FrameEntry[] } = JSON.parse(zstdDecompressSync(packed).toString());
      this.#frames = index.frames;
      this.bytes = index.bytes;
      const last = index.frames.at(-1);
      this.lines = last === undefined ? 0 : last.firstLine + last.lines;
    } catch (error) {
      closeSync(this.#fd);
      if (error instanceof LogFileError) throw error;
      throw new LogFileError(path, error instanceof Error ? error.message : String(error));
    }
  }

  /** As {@link FrameWriter.read}. */
  read(first: number): Generator<{ firstLine: number; record: JournalRecord }> {
    return readFrames(this.#fd, this.path, this.#frames, first);
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}

function* readFrames(
  fd: number,
  path: string,
  frames: readonly FrameEntry[],
  first: number,
): Generator<{ firstLine: number; record: JournalRecord }> {
  for (let i = frameOf(frames, first); i < frames.length; i += 1) {
    const frame = frames[i];
    if (frame === undefined) return;
    let firstLine = frame.firstLine;
    for (const record of decodeRecords(zstdDecompressSync(readExactly(fd, path, frame.offset, frame.bytes)))) {
      const lines = countLines(record.data);
      if (firstLine + lines > first) yield { firstLine, record };
      firstLine += lines;
    }
  }
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
