import { MAX_FRAME_PAYLOAD_BYTES, SEND_WINDOW_BYTES, wholeRecordBytes } from '@icefall/shared';
import { type Clock, pause, type Timer } from '../clock.ts';
import { Failure } from '../failure.ts';
import { RecentPages } from './pages.ts';
import type { SegmentFiles } from './segments.ts';

/** Unacknowledged output a command may have on disk before it has to wait for the master. */
export const DEFAULT_JOURNAL_LIMIT_BYTES = 64 * 1024 * 1024;
/** Output that gathers this long, or to this size, goes to disk and wire together; a lonely line goes at once. */
export const GATHER_MS = 5;
const GATHER_BYTES = 64 * 1024;
/** Bytes kept in memory for sending: what is in flight, and as much again. Older ones are read back from the disk. */
const RECENT_BYTES = 2 * SEND_WINDOW_BYTES;
/** A disk that is slower than the command's output holds the command up from here on. */
const MAX_UNWRITTEN_BYTES = 4 * 1024 * 1024;
/** A full disk is tried again this often; the command waits meanwhile. */
const WRITE_RETRY_MS = 1000;

export interface JournalOptions {
  readonly segments: SegmentFiles;
  readonly clock: Clock;
  readonly limitBytes: number;
  /** It was written by an agent before this one, perhaps before this machine lost power. */
  readonly recovered?: boolean;
  /** More of the journal can be sent. */
  readonly onWritten: () => void;
  /** The disk refused; the journal goes on trying. Told once until it works again. */
  readonly onFault: (error: unknown) => void;
}

/**
 * The output of one command on its way to the master: appended in memory, on disk within milliseconds, sent from there,
 * kept until acknowledged. `start ≤ acknowledged ≤ written ≤ end`, all offsets in bytes.
 *
 * Bytes are in a file before they are sent, so an agent that dies never knows less than the master. They are not synced:
 * a machine that loses power loses its commands as well.
 */
export class Journal {
  readonly #segments: SegmentFiles;
  readonly #clock: Clock;
  readonly #limitBytes: number;
  readonly #options: JournalOptions;
  #pages: RecentPages;
  #acknowledged: number;
  #written: number;
  #writing: Promise<void> | null = null;
  #timer: Timer | null = null;
  #lastWriteAt = Number.NEGATIVE_INFINITY;
  #failing = false;
  readonly #closed = new AbortController();
  #roomWaiters: (() => void)[] = [];

  constructor(options: JournalOptions) {
    this.#options = options;
    this.#segments = options.segments;
    this.#clock = options.clock;
    this.#limitBytes = options.limitBytes;
    this.#acknowledged = options.segments.start;
    this.#written = options.segments.end;
    this.#pages = new RecentPages(this.#written);
  }

  /** Offset of the first byte still kept. */
  get start(): number {
    return this.#segments.start;
  }

  /** Everything before it is durable on the master. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** Everything before it is in a file and can be sent. */
  get written(): number {
    return this.#written;
  }

  get end(): number {
    return this.#pages.end;
  }

  /** Whoever has output for the journal should wait: see {@link whenRoom}. */
  get congested(): boolean {
    return (
      this.end - this.#acknowledged >= this.#limitBytes ||
      this.end - this.#written >= MAX_UNWRITTEN_BYTES ||
      this.#failing
    );
  }

  /** Calls back once when the journal is not congested (any more); also when it is closed. */
  whenRoom(callback: () => void): void {
    if (this.congested && !this.#closed.signal.aborted) this.#roomWaiters.push(callback);
    else callback();
  }

  /** Adds output, whatever its size; producers are held up by {@link congested}. Nothing after {@link close}. */
  append(stream: number, data: Uint8Array): void {
    if (this.#closed.signal.aborted) return;
    this.#pages.append(stream, this.#clock.now(), data);
    this.#schedule();
  }

  /** Resolves when everything appended so far is in a file, or the journal was closed. */
  async flush(): Promise<void> {
    const until = this.end;
    while (this.#written < until && !this.#closed.signal.aborted) await this.#write();
  }

  /** The master has everything before the offset. Throws {@link Failure} `bad_offset` for what was never written. */
  async acknowledge(offset: number): Promise<void> {
    if (offset > this.#written)
      throw new Failure(
        'bad_offset',
        `the master acknowledged ${offset} bytes of a journal that has written ${this.#written}`,
      );
    if (offset <= this.#acknowledged) return;
    this.#acknowledged = offset;
    this.#releasePages();
    this.#tellRoom();
    await this.#segments.deleteBefore(offset);
  }

  /**
   * Goes on from where the master is. That may be beyond the end of a recovered journal, where this machine lost power
   * and the end of the file: then what is written from now on continues at the master's offset. Throws {@link Failure}
   * `journal_gap` where the master asks for what it once acknowledged, `bad_offset` for what was never written.
   */
  async resumeAt(offset: number): Promise<void> {
    if (offset < this.start)
      throw new Failure(
        'journal_gap',
        `the master asks for the journal from ${offset}, but what lies before ${this.start} was acknowledged and is gone`,
      );
    if (offset <= this.#written || this.#options.recovered !== true) {
      await this.acknowledge(offset);
      return;
    }
    await this.flush();
    await this.#segments.restartAt(offset);
    this.#pages = new RecentPages(offset);
    this.#written = offset;
    this.#acknowledged = offset;
  }

  /** Whole records from an offset, for one frame: from memory, or null where they must be {@link readBack}. */
  recent(offset: number): Uint8Array | null {
    return this.#pages.view(offset, this.#written);
  }

  /** Whole records from an offset, for one frame, from the disk. */
  async readBack(offset: number): Promise<Uint8Array> {
    const bytes = await this.#segments.read(offset, Math.min(MAX_FRAME_PAYLOAD_BYTES, this.#written - offset));
    const whole = wholeRecordBytes(bytes);
    if (whole === 0) throw new Failure('bad_offset', `the journal holds no record that begins at ${offset}`);
    return bytes.subarray(0, whole);
  }

  /** Makes what was written survive a loss of power. */
  async sync(): Promise<void> {
    await this.#segments.sync();
  }

  /** Stops writing and closes the files. What was not written is lost. */
  async close(): Promise<void> {
    this.#closed.abort('closed');
    this.#timer?.cancel();
    this.#tellRoom();
    await this.#writing;
    await this.#segments.close();
  }

  #schedule(): void {
    if (this.#writing !== null) return;
    const waitMs = this.#lastWriteAt + GATHER_MS - this.#clock.monotonic();
    if (waitMs <= 0 || this.end - this.#written >= GATHER_BYTES) void this.#write();
    else
      this.#timer ??= this.#clock.after(waitMs, () => {
        this.#timer = null;
        void this.#write();
      });
  }

  /** Writes all that is there now; a second call meanwhile waits for the first. Never rejects. */
  #write(): Promise<void> {
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = null;
      if (this.end > this.#written && !this.#closed.signal.aborted) this.#schedule();
    });
    return this.#writing;
  }

  async #writeAll(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = null;
    this.#lastWriteAt = this.#clock.monotonic();
    this.#pages.seal();
    const until = this.end;
    while (this.#written < until && !this.#closed.signal.aborted) {
      const bytes = this.#pages.view(this.#written, until);
      if (bytes === null) throw new Error('assertion failed: unwritten bytes have left memory');
      if (await this.#writePage(bytes)) this.#written += bytes.length;
    }
    this.#releasePages();
    if (this.#roomWaiters.length > 0) this.#tellRoom();
    this.#options.onWritten();
  }

  async #writePage(bytes: Uint8Array): Promise<boolean> {
    try {
      await this.#segments.append(bytes);
      this.#failing = false;
      return true;
    } catch (error) {
      if (!this.#failing) this.#options.onFault(error);
      this.#failing = true;
      await pause(this.#clock, WRITE_RETRY_MS, this.#closed.signal);
      return false;
    }
  }

  #releasePages(): void {
    this.#pages.release(this.#acknowledged, RECENT_BYTES, this.#written);
  }

  #tellRoom(): void {
    if (this.congested && !this.#closed.signal.aborted) return;
    for (const tell of this.#roomWaiters.splice(0)) tell();
  }
}
