import { type FileHandle, open, readdir, stat, truncate, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { wholeRecordBytes } from '@icefall/shared';
import { Failure, systemCode } from '../failure.ts';

/**
 * A segment is closed when it has reached this size. Small, because acknowledged bytes are given back to the disk a
 * segment at a time; large enough that a fast log makes about fifty files a second, not thousands.
 */
export const SEGMENT_BYTES = 4 * 1024 * 1024;

interface Segment {
  readonly start: number;
  size: number;
}

const NAME = /^(\d{16})\.seg$/;
const fileName = (start: number): string => `${String(start).padStart(16, '0')}.seg`;

/** The files of one journal: numbered by the offset of their first byte, each of whole records. */
export class SegmentFiles {
  readonly #directory: string;
  readonly #segments: Segment[];
  #tail: FileHandle | null = null;
  #closed = false;
  #reader: { readonly segment: Segment; readonly file: FileHandle } | null = null;

  constructor(directory: string, segments: readonly Segment[] = []) {
    this.#directory = directory;
    this.#segments = [...segments];
  }

  /**
   * Finds what an agent before us wrote. A record that was cut off is taken away; so is what follows a gap (a machine
   * that lost power may have kept a later file and lost an earlier one).
   */
  static async recover(directory: string): Promise<SegmentFiles> {
    const starts = (await readdir(directory))
      .map((name) => NAME.exec(name)?.[1])
      .filter((digits) => digits !== undefined)
      .map(Number)
      .sort((a, b) => a - b);
    const segments: Segment[] = [];
    for (const start of starts) {
      const before = segments.at(-1);
      if (before !== undefined && before.start + before.size !== start) break;
      segments.push({ start, size: (await stat(join(directory, fileName(start)))).size });
    }
    for (const start of starts.slice(segments.length)) await unlink(join(directory, fileName(start)));
    const last = segments.at(-1);
    if (last !== undefined) await cutOffTornRecord(directory, last);
    return new SegmentFiles(directory, segments);
  }

  /** Offset of the first byte that is kept. */
  get start(): number {
    return this.#segments[0]?.start ?? 0;
  }

  /** Offset after the last byte written. */
  get end(): number {
    const last = this.#segments.at(-1);
    return last === undefined ? 0 : last.start + last.size;
  }

  /** Writes whole records at the end. After an error the same bytes can be written again. */
  async append(bytes: Uint8Array): Promise<void> {
    const segment = await this.#segmentForAppend();
    this.#tail ??= await open(this.#path(segment), 'r+');
    let done = 0;
    while (done < bytes.length) {
      const { bytesWritten } = await this.#tail.write(bytes, done, bytes.length - done, segment.size + done);
      done += bytesWritten;
    }
    segment.size += bytes.length;
  }

  /** Reads from an offset: at most `maxBytes`, not beyond one segment, and perhaps with a cut-off record at the end. */
  async read(offset: number, maxBytes: number): Promise<Uint8Array> {
    const segment = this.#segments.find(({ start, size }) => offset >= start && offset < start + size);
    if (segment === undefined) return new Uint8Array(0);
    const length = Math.min(maxBytes, segment.start + segment.size - offset);
    const file = await this.#fileToRead(segment);
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(length), 0, length, offset - segment.start);
    return buffer.subarray(0, bytesRead);
  }

  /** Deletes segments that lie wholly before the offset; the last one stays, since its name and size tell the end. */
  async deleteBefore(offset: number): Promise<void> {
    for (;;) {
      const first = this.#segments[0];
      if (first === undefined || this.#segments.length === 1 || first.start + first.size > offset) return;
      this.#segments.shift();
      if (this.#reader?.segment === first) await this.#closeReader();
      await unlinkIfThere(this.#path(first));
    }
  }

  /** Forgets everything and goes on at an offset beyond the end. */
  async restartAt(offset: number): Promise<void> {
    await this.#closeFiles();
    for (const segment of this.#segments.splice(0)) await unlink(this.#path(segment));
    await this.#addSegment(offset);
  }

  /** Makes what was written survive a loss of power. */
  async sync(): Promise<void> {
    await this.#tail?.datasync();
  }

  /** Nothing can be read or written afterwards. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#closeFiles();
  }

  async #closeFiles(): Promise<void> {
    const tail = this.#tail;
    this.#tail = null;
    await tail?.close();
    await this.#closeReader();
  }

  async #segmentForAppend(): Promise<Segment> {
    const last = this.#segments.at(-1);
    return last !== undefined && last.size < SEGMENT_BYTES ? last : await this.#addSegment(this.end);
  }

  async #addSegment(start: number): Promise<Segment> {
    const segment = { start, size: 0 };
    // 'w': a file of an attempt that failed before anything was written may be there.
    const file = await open(this.#path(segment), 'w', 0o600);
    const before = this.#tail;
    this.#tail = file;
    this.#segments.push(segment);
    await before?.close();
    return segment;
  }

  async #fileToRead(segment: Segment): Promise<FileHandle> {
    if (this.#reader?.segment === segment) return this.#reader.file;
    await this.#closeReader();
    const file = await open(this.#path(segment), 'r');
    if (this.#closed) {
      await file.close();
      throw new Failure('journal_closed', 'the journal was closed while it was read');
    }
    this.#reader = { segment, file };
    return file;
  }

  async #closeReader(): Promise<void> {
    const reader = this.#reader;
    this.#reader = null;
    await reader?.file.close();
  }

  #path(segment: Segment): string {
    return join(this.#directory, fileName(segment.start));
  }
}

/** The whole directory may be on its way out. */
async function unlinkIfThere(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
  }
}

async function cutOffTornRecord(directory: string, segment: Segment): Promise<void> {
  const path = join(directory, fileName(segment.start));
  const file = await open(path, 'r');
  try {
    const whole = wholeRecordBytes(await file.readFile());
    if (whole === segment.size) return;
    segment.size = whole;
  } finally {
    await file.close();
  }
  await truncate(path, segment.size);
}
