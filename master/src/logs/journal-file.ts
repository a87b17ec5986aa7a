import {
  closeSync,
  existsSync,
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import {
  decodeRecords,
  type JournalRecord,
  ProtocolError,
  RECORD_HEADER_BYTES,
  wholeRecordBytes,
} from '@icefall/shared';

const READ_BYTES = 1024 * 1024;

/**
 * The master's copy of a command's journal: the same bytes at the same offsets as on the worker, so that its length is
 * all there is to know of what has arrived.
 */
export class JournalFile {
  readonly path: string;
  /** Null until something arrives: most steps of most builds say nothing, and need no file. */
  #fd: number | null;
  #end = 0;
  #durable: number;
  #isBroken = false;

  /** Opens the copy, if there is one; a record that a crash cut off is dropped, and will be sent again. */
  constructor(path: string) {
    this.path = path;
    this.#fd = openExisting(path);
    if (this.#fd !== null) {
      this.#end = wholeEnd(this.#fd);
      if (this.#end !== fstatSync(this.#fd).size) ftruncateSync(this.#fd, this.#end);
      // A process that died may have left bytes that the system has not written yet.
      if (this.#end > 0) fdatasyncSync(this.#fd);
    }
    this.#durable = this.#end;
  }

  /** Whether there is a file: something has arrived, and it is open. */
  get hasFile(): boolean {
    return this.#fd !== null;
  }

  /** The disk has refused something, and what is in the file is not sure: to be opened anew. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  /** Bytes that have arrived. */
  get end(): number {
    return this.#end;
  }

  /** Bytes that survive a power cut: what may be acknowledged. */
  get durable(): number {
    return this.#durable;
  }

  /**
   * Appends what a frame brought and gives the records that are new. Bytes that are here already are passed over; a
   * gap is a fault of the sender. Throws {@link ProtocolError}.
   */
  append(offset: number, payload: Uint8Array): JournalRecord[] {
    if (offset > this.#end)
      throw new ProtocolError(
        'journal_gap',
        `a frame begins at ${offset}, but only ${this.#end} bytes of the journal are here`,
      );
    const fresh = payload.subarray(this.#end - offset);
    if (fresh.length === 0) return [];
    const records = [...decodeRecords(fresh)];
    if (wholeRecordBytes(fresh) !== fresh.length)
      throw new ProtocolError('bad_frame', `a frame at ${offset} ends inside a record`);
    this.#write(fresh);
    return records;
  }

  /** Writes all of it or, on a full disk, nothing: what comes next must lie at its offset. */
  #write(bytes: Uint8Array): void {
    this.#fd ??= create(this.path);
    try {
      for (let done = 0; done < bytes.length; ) done += writeSync(this.#fd, bytes, done, null, this.#end + done);
    } catch (error) {
      this.#cut(this.#fd, this.#end);
      throw error;
    }
    this.#end += bytes.length;
  }

  /**
   * Makes everything that has arrived durable. What could not be written may be forgotten by the system without another
   * word, so after a failure only what was durable before counts, and the sender sends the rest again.
   */
  sync(): void {
    if (this.#durable === this.#end || this.#fd === null) return;
    try {
      fdatasyncSync(this.#fd);
    } catch (error) {
      this.#isBroken = true;
      this.#cut(this.#fd, this.#durable);
      throw error;
    }
    this.#durable = this.#end;
  }

  /** Called for a disk that has just failed: if it fails at this, too, the file is looked at when it is opened anew. */
  #cut(fd: number, end: number): void {
    try {
      ftruncateSync(fd, end);
    } catch {
      this.#isBroken = true;
    }
  }

  /** Every record from the beginning. */
  *records(): Generator<JournalRecord> {
    if (this.#fd !== null) yield* recordsOf(this.#fd, this.#end);
  }

  close(): void {
    if (this.#fd !== null) closeSync(this.#fd);
    // Whoever still has it at hand (to acknowledge) must not take another file for this one.
    this.#fd = null;
  }
}

function openExisting(path: string): number | null {
  // Most steps have none yet; an error costs more than a look.
  if (!existsSync(path)) return null;
  try {
    return openSync(path, 'r+');
  } catch (error) {
    if (error instanceof Error && Reflect.get(error, 'code') === 'ENOENT') return null;
    throw error;
  }
}

function create(path: string): number {
  mkdirSync(dirname(path), { recursive: true });
  return openSync(path, 'w+');
}

function wholeEnd(fd: number): number {
  let end = 0;
  for (const record of recordsOf(fd, fstatSync(fd).size)) end = record.end;
  return end;
}

/** Whole records of a file up to `size`, each with the offset of its end. */
function* recordsOf(fd: number, size: number): Generator<JournalRecord & { readonly end: number }> {
  let at = 0;
  while (at < size) {
    const buffer = Buffer.allocUnsafe(Math.min(READ_BYTES, size - at));
    const got = readSync(fd, buffer, 0, buffer.length, at);
    const start = at;
    for (const record of decodeRecords(buffer.subarray(0, got))) {
      at += RECORD_HEADER_BYTES + record.data.length;
      yield { ...record, end: at };
    }
    if (at === start) return;
  }
}
