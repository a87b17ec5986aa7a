import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type LogLines, STREAM } from '@icefall/shared';
import type { Core } from '../engine/core.ts';
import { Hook } from '../engine/hooks.ts';
import { type FrameIndex, FrameReader, readSmallLog } from './frame-file.ts';
import { type ReadableLog, takeLines, takeText } from './readable-log.ts';
import { StepLog } from './step-log.ts';

/** Most lines that one request is given. */
export const MOST_LINES = 10_000;
/** And most of their text, in characters: 500 lines that are as long as lines can be, as many as a page asks for at once. */
const MOST_LINES_TEXT = 32 * 1024 * 1024;
/** Builds that share a directory, so that none has a million entries. */
const BUILDS_PER_DIRECTORY = 1000;
/** Indexes kept of logs that somebody reads; one of a log of a gigabyte takes some 300 kB. */
const MOST_INDEXES = 32;

export interface LogRow {
  readonly id: number;
  readonly build_id: number;
  readonly step_number: number;
  readonly name: string;
  readonly stream: number;
  readonly lines: number;
  readonly bytes: number;
  readonly complete: number;
}

/** The logs of a running step. */
interface LiveStep {
  readonly log: StepLog;
  /** Ids of the logs' rows by stream, as far as they are known to be there. */
  readonly rows: Map<number, number>;
}

/** Whole lines of a log, each with its newline. */
export interface LogPiece {
  readonly first: number;
  readonly lines: number;
  readonly text: Buffer;
}

/** The logs of all steps: growing ones and finished ones. */
export class LogStore {
  /** A log has more lines, or is complete. */
  readonly grown = new Hook<number>();
  readonly #core: Core;
  readonly #directory: string;
  readonly #live = new Map<string, LiveStep>();
  /** Logs that the turn has ended; taken back, they are made anew from their journals. */
  readonly #ending: StepLog[] = [];
  /** Steps that have ended and whose journals are about to be removed. */
  readonly #settling = new Map<string, Promise<void>>();
  /** Of files that were read lately. */
  readonly #indexes = new Map<string, FrameIndex>();

  constructor(core: Core, directory: string) {
    this.#core = core;
    this.#directory = directory;
    mkdirSync(directory, { recursive: true });
    core.rolledBack.on(() => {
      for (const log of this.#ending.splice(0)) log.drop();
      for (const { rows } of this.#live.values()) rows.clear();
    });
  }

  #path(buildId: number, file: string): string {
    return join(this.#directory, String(Math.floor(buildId / BUILDS_PER_DIRECTORY)), String(buildId), file);
  }

  #open(buildId: number, stepNumber: number): StepLog {
    const pathOf = (stream: number) => this.#path(buildId, `${stepNumber}.${stream}.log`);
    return new StepLog(this.#path(buildId, `${stepNumber}.journal`), pathOf);
  }

  #step(buildId: number, stepNumber: number): LiveStep {
    const key = keyOf(buildId, stepNumber);
    let step = this.#live.get(key);
    if (step?.log.isBroken === true) {
      step.log.drop();
      step = undefined;
    }
    if (step === undefined) {
      step = { log: this.#open(buildId, stepNumber), rows: new Map() };
      this.#live.set(key, step);
    }
    return step;
  }

  /** The growing logs of a step; opened, or made anew from the journal, when first asked for. */
  live(buildId: number, stepNumber: number): StepLog {
    return this.#step(buildId, stepNumber).log;
  }

  /** Makes durable what has come of a step's output, if the step goes on. */
  sync(buildId: number, stepNumber: number): void {
    this.#live.get(keyOf(buildId, stepNumber))?.log.journal.sync();
  }

  /** Takes a frame of output. `names` are those of the extra log files, in order. Throws a ProtocolError. */
  append(buildId: number, stepNumber: number, offset: number, payload: Uint8Array, names: readonly string[]): StepLog {
    const step = this.#step(buildId, stepNumber);
    const grown = step.log.append(offset, payload);
    if (step.log.streams.some((stream) => !step.rows.has(stream)))
      // What is lost of it is found missing with the next frame, or at the end.
      this.#core.repeatableTurn(() => this.#addRows(buildId, stepNumber, step, names));
    for (const stream of grown) this.#tellGrown(step, stream);
    return step.log;
  }

  /** Adds text of the master's own to a step that no worker writes to. Call inside a turn. */
  note(buildId: number, stepNumber: number, text: string): void {
    const step = this.#step(buildId, stepNumber);
    this.#orRefuse(() => {
      step.log.note(text, this.#core.now());
      step.log.journal.sync();
    });
    this.#addRows(buildId, stepNumber, step, []);
    this.#core.afterCommit(() => this.#tellGrown(step, 0));
  }

  #addRows(buildId: number, stepNumber: number, { log, rows }: LiveStep, names: readonly string[]): void {
    for (const row of this.ofStep(buildId, stepNumber)) rows.set(row.stream, row.id);
    for (const stream of log.streams) {
      if (rows.has(stream)) continue;
      const name = stream === 0 ? 'stdio' : (names[stream - STREAM.firstLogFile] ?? `log ${stream}`);
      const id = this.#core.db.insert('logs', { build_id: buildId, step_number: stepNumber, name, stream });
      rows.set(stream, id);
      this.#core.touch('step', `${buildId}.${stepNumber}`);
    }
  }

  #tellGrown({ rows }: LiveStep, stream: number): void {
    const id = rows.get(stream);
    if (id !== undefined) this.grown.fire(id);
  }

  /** Ends the logs of a step: from now on they are only read, and are as durable as the turn. Call inside a turn. */
  finish(buildId: number, stepNumber: number): void {
    const key = keyOf(buildId, stepNumber);
    // Of a step that ran in an earlier process, and that nobody has looked at since, there is only the journal.
    const isKnown = this.#live.has(key) || existsSync(this.#path(buildId, `${stepNumber}.journal`));
    if (!isKnown) return;
    const step = this.#step(buildId, stepNumber);
    const { log, rows } = step;
    this.#live.delete(key);
    this.#ending.push(log);
    if (log.streams.some((stream) => !rows.has(stream))) this.#addRows(buildId, stepNumber, step, []);
    const finished = this.#orRefuse(() => log.finish());
    // Until their files are durable, the journal is what counts.
    if (finished.some(({ small }) => small === null)) log.journal.sync();
    for (const { stream, lines, bytes, small } of finished) {
      const id = rows.get(stream) ?? 0;
      this.#core.db.update('logs', { id }, { lines, bytes, complete: 1 });
      if (small !== null) this.#core.db.insert('small_logs', { log_id: id, frame: small });
    }
    this.#core.afterCommit(() => {
      this.#ending.splice(0);
      this.#settle(key, log);
      for (const id of rows.values()) this.grown.fire(id);
    });
  }

  /** What the disk refuses in a turn refuses the turn, whoever catches the error. */
  #orRefuse<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      this.#core.db.refuse(error);
      throw error;
    }
  }

  /** The disk works at it while other turns go on; every end of a step waits for the disk itself, so few are under way. */
  #settle(key: string, log: StepLog): void {
    const settled = log
      .discardJournal()
      .catch((error: unknown) => this.#core.log.error({ step: key, err: error }, 'a journal could not be removed'))
      .finally(() => this.#settling.delete(key));
    this.#settling.set(key, settled);
  }

  /** Resolves when the journals of all steps that have ended are gone. */
  async settled(): Promise<void> {
    await Promise.all(this.#settling.values());
  }

  /** Closes what is open; the journals have everything. */
  close(): void {
    for (const { log } of this.#live.values()) log.close();
    this.#live.clear();
  }

  ofStep(buildId: number, stepNumber: number): LogRow[] {
    return this.#core.db.all<LogRow>(
      'SELECT * FROM logs WHERE build_id = ? AND step_number = ? ORDER BY id',
      buildId,
      stepNumber,
    );
  }

  row(logId: number): LogRow | null {
    return this.#core.db.one<LogRow>('SELECT * FROM logs WHERE id = ?', logId);
  }

  /** Lines and bytes of a log now. */
  size(row: LogRow): { lines: number; bytes: number } {
    if (row.complete === 1) return row;
    const writer = this.live(row.build_id, row.step_number).reader(row.stream);
    return writer === null ? { lines: 0, bytes: 0 } : { lines: writer.lines, bytes: writer.bytes };
  }

  /**
   * Lines from `first` on (a negative one counts from the end), at most `limit`. Null where there is no such log.
   * Throws LogFileError for a damaged file.
   */
  lines(logId: number, first: number, limit: number, mostText = MOST_LINES_TEXT): LogLines | null {
    const row = this.row(logId);
    if (row === null) return null;
    return this.#reading(row, (log) => {
      const from = Math.min(log.lines, first < 0 ? Math.max(0, log.lines + first) : first);
      const wanted = Math.min(limit, MOST_LINES);
      return {
        logId,
        first: from,
        lines: takeLines(log, from, wanted, mostText),
        total: log.lines,
        complete: row.complete === 1,
      };
    });
  }

  /** The text of a log from its beginning to its present end, in pieces. */
  *raw(logId: number): Generator<Buffer> {
    for (const { text } of this.pieces(logId, 0)) yield text;
  }

  /**
   * Whole lines of a log from line `first` to its present end, in pieces, each with the number of its first line. With
   * `onlyMarked` those are left out where no line can begin or end a group.
   */
  *pieces(logId: number, first: number, { onlyMarked = false } = {}): Generator<LogPiece> {
    const row = this.row(logId);
    if (row === null) return;
    // Read by line numbers, piece by piece, so that a log may finish (and its file be replaced) between two pieces.
    let next = first;
    for (;;) {
      const { from, text, lines } = this.#reading(this.row(logId) ?? row, (log) => {
        const begin = onlyMarked ? log.nextMarked(next) : next;
        return { from: begin, ...takeText(log, begin) };
      });
      if (lines === 0) return;
      yield { first: from, lines, text };
      next = from + lines;
    }
  }

  #reading<T>(row: LogRow, read: (log: ReadableLog) => T): T {
    if (row.complete === 0) {
      const writer = this.live(row.build_id, row.step_number).reader(row.stream);
      return read(writer ?? NO_LINES);
    }
    const small = this.#core.db.one<{ frame: Buffer }>('SELECT frame FROM small_logs WHERE log_id = ?', row.id);
    if (small !== null)
      return read({ ...row, read: (from) => readSmallLog(small.frame, from), nextMarked: (from) => from });
    this.#mend(row);
    using reader = this.#fileReader(this.#path(row.build_id, `${row.step_number}.${row.stream}.log`));
    return read(reader);
  }

  #fileReader(path: string): FrameReader {
    const reader = new FrameReader(path, this.#indexes.get(path));
    this.#indexes.delete(path);
    this.#indexes.set(path, reader.index);
    const [oldest] = this.#indexes.keys();
    if (this.#indexes.size > MOST_INDEXES && oldest !== undefined) this.#indexes.delete(oldest);
    return reader;
  }

  /** Makes the files of a complete log again where the machine failed before they were durable. */
  #mend({ build_id, step_number }: LogRow): void {
    const key = keyOf(build_id, step_number);
    if (this.#settling.has(key) || !existsSync(this.#path(build_id, `${step_number}.journal`))) return;
    const log = this.#open(build_id, step_number);
    log.finish();
    this.#settle(key, log);
  }
}

const NO_LINES: ReadableLog = { lines: 0, bytes: 0, *read() {}, nextMarked: (from) => from };

function keyOf(buildId: number, stepNumber: number): string {
  return `${buildId}.${stepNumber}`;
}
