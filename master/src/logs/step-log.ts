import { unlinkSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { encodeRecord, type JournalRecord, MAX_RECORD_DATA_BYTES, STREAM } from '@icefall/shared';
import { FrameWriter } from './frame-file.ts';
import { JournalFile } from './journal-file.ts';
import { LineAssembler, type LineRecord } from './line-records.ts';

/** The log that a stream of the journal belongs to: 0 is `stdio`. */
function logStreamOf(stream: number): number {
  return stream < STREAM.firstLogFile ? 0 : stream;
}

/** One log of a step while it grows. */
interface LiveLog {
  readonly writer: FrameWriter;
  readonly assembler: LineAssembler;
}

/** Sizes of a finished log. */
export interface LogSize {
  readonly stream: number;
  readonly lines: number;
  readonly bytes: number;
  /** All of a small log, which has no file; null for one that has. */
  readonly small: Buffer | null;
}

/**
 * The logs of one running step: the journal's copy, which is what is durable, and made from it, line by line, the frame
 * files that people read. After a restart the frame files are made anew from the journal.
 */
export class StepLog {
  readonly journal: JournalFile;
  readonly #pathOf: (stream: number) => string;
  readonly #logs = new Map<number, LiveLog>();
  readonly #finishedFiles: string[] = [];
  #lastAt = 0;
  #isBroken = false;

  /** `pathOf` gives the frame file of a log stream. */
  constructor(journalPath: string, pathOf: (stream: number) => string) {
    this.#pathOf = pathOf;
    this.journal = new JournalFile(journalPath);
    for (const record of this.journal.records()) this.#take(record);
  }

  /** The disk refused something: what is in memory may lack what the journal has. To be closed, and made anew from it. */
  get isBroken(): boolean {
    return this.#isBroken || this.journal.isBroken;
  }

  /** Takes what a frame brought; gives the log streams that grew. Throws a ProtocolError for a bad frame. */
  append(offset: number, payload: Uint8Array): Set<number> {
    const grown = new Set<number>();
    const records = this.journal.append(offset, payload);
    this.#orBroken(() => {
      for (const record of records) if (this.#take(record)) grown.add(logStreamOf(record.stream));
    });
    return grown;
  }

  #orBroken<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      this.#isBroken = true;
      throw error;
    }
  }

  /** Adds text of the master's own. Only where no worker sends to this journal (any more). */
  note(text: string, at: number): void {
    const data = Buffer.from(text.endsWith('\n') ? text : `${text}\n`);
    for (let from = 0; from < data.length; from += MAX_RECORD_DATA_BYTES) {
      const piece = data.subarray(from, from + MAX_RECORD_DATA_BYTES);
      this.append(this.journal.end, encodeRecord({ stream: STREAM.header, at, data: piece }));
    }
  }

  #take(record: JournalRecord): boolean {
    this.#lastAt = record.at;
    const log = this.#log(logStreamOf(record.stream));
    const lines = log.assembler.push(record);
    write(log, lines);
    return lines.length > 0;
  }

  #log(stream: number): LiveLog {
    let log = this.#logs.get(stream);
    if (log === undefined) {
      log = { writer: new FrameWriter(this.#pathOf(stream)), assembler: new LineAssembler() };
      this.#logs.set(stream, log);
    }
    return log;
  }

  /** Log streams that have had output, even if no line of it is whole yet. */
  get streams(): number[] {
    return [...this.#logs.keys()];
  }

  /** What there is to read of a log now, or null. */
  reader(stream: number): FrameWriter | null {
    return this.#logs.get(stream)?.writer ?? null;
  }

  /** Finishes every log. The journal stays until {@link discardJournal}. */
  finish(): LogSize[] {
    return this.#orBroken(() => [...this.#logs].map(([stream, log]) => this.#finishLog(stream, log)));
  }

  #finishLog(stream: number, log: LiveLog): LogSize {
    write(log, log.assembler.flush(this.#lastAt));
    const small = log.writer.finish();
    if (small === null) this.#finishedFiles.push(log.writer.path);
    return { stream, lines: log.writer.lines, bytes: log.writer.bytes, small };
  }

  /**
   * Makes the frame files durable, then removes the journal; once it is on record that the logs are complete. A journal
   * beside complete logs thus says that their files may not be whole. Throws what the disk says.
   */
  async discardJournal(): Promise<void> {
    const { hasFile } = this.journal;
    this.journal.close();
    for (const path of this.#finishedFiles) {
      await using file = await open(path, 'r+');
      await file.datasync();
    }
    // Quicker than it is handed to another thread.
    if (hasFile) unlinkSync(this.journal.path);
  }

  /** Closes everything and leaves the journal, from which all can be made again. */
  close(): void {
    this.journal.sync();
    this.drop();
  }

  /** As {@link close}, without a word to the disk. */
  drop(): void {
    this.journal.close();
    for (const log of this.#logs.values()) log.writer.abandon();
  }
}

function write(log: LiveLog, lines: readonly LineRecord[]): void {
  for (const record of lines) log.writer.append(record);
}
