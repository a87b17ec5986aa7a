import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type JournalRecord, LOG_STREAMS, type LogLine, type LogLines, STREAM } from '@icefall/shared';
import type { Core } from '../engine/core.ts';
import { Hook } from '../engine/hooks.ts';
import { FrameReader } from './frame-file.ts';
import { countLines } from './line-records.ts';
import { StepLog } from './step-log.ts';

/** Most lines that one request is given. */
export const MOST_LINES = 10_000;
/** Builds that share a directory, so that none has a million entries. */
const BUILDS_PER_DIRECTORY = 1000;
/** Records handed on at once when a whole log is read. */
const RAW_PIECE_BYTES = 256 * 1024;

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

/** Where a log's lines are read from. */
interface Readable {
  readonly lines: number;
  readonly bytes: number;
  read(first: number): Generator<{ firstLine: number; record: JournalRecord }>;
}

/** The logs of all steps: growing ones and finished ones. */
export class LogStore {
  /** A log has more lines, or is complete. */
  readonly grown = new Hook<number>();
  readonly #core: Core;
  readonly #directory: string;
  readonly #live = new Map<string, StepLog>();

  constructor(core: Core, directory: string) {
    this.#core = core;
    this.#directory = directory;
    mkdirSync(directory, { recursive: true });
  }

  #path(buildId: number, file: string): string {
    return join(this.#directory, String(Math.floor(buildId / BUILDS_PER_DIRECTORY)), String(buildId), file);
  }

  /** The growing logs of a step; opened, or made anew from the journal, when first asked for. */
  live(buildId: number, stepNumber: number): StepLog {
    const key = `${buildId}.${stepNumber}`;
    let log = this.#live.get(key);
    if (log === undefined) {
      log = new StepLog(this.#path(buildId, `${stepNumber}.journal`), (stream) =>
        this.#path(buildId, `${stepNumber}.${stream}.log`),
      );
      this.#live.set(key, log);
    }
    return log;
  }

  /** Takes a frame of output. `names` are those of the extra log files, in order. Throws a ProtocolError. */
  append(buildId: number, stepNumber: number, offset: number, payload: Uint8Array, names: readonly string[]): StepLog {
    const log = this.live(buildId, stepNumber);
    const before = log.streams.length;
    const grown = log.append(offset, payload);
    if (log.streams.length !== before) this.#core.turn(() => this.#addRows(buildId, stepNumber, log, names));
    for (const stream of grown) this.#tellGrown(buildId, stepNumber, stream);
    return log;
  }

  /** Adds text of the master's own to a step that no worker writes to. Call inside a turn. */
  note(buildId: number, stepNumber: number, text: string): void {
    const log = this.live(buildId, stepNumber);
    log.note(text, this.#core.now());
    log.journal.sync();
    this.#addRows(buildId, stepNumber, log, []);
    this.#core.afterCommit(() => this.#tellGrown(buildId, stepNumber, 0));
  }

  #addRows(buildId: number, stepNumber: number, log: StepLog, names: readonly string[]): void {
    const known = new Set(this.ofStep(buildId, stepNumber).map((row) => row.stream));
    for (const stream of log.streams) {
      if (known.has(stream)) continue;
      const name = stream === 0 ? 'stdio' : (names[stream - STREAM.firstLogFile] ?? `log ${stream}`);
      this.#core.db.insert('logs', { build_id: buildId, step_number: stepNumber, name, stream });
      this.#core.touch('step', `${buildId}.${stepNumber}`);
    }
  }

  #tellGrown(buildId: number, stepNumber: number, stream: number): void {
    const row = this.ofStep(buildId, stepNumber).find((candidate) => candidate.stream === stream);
    if (row !== undefined) this.grown.fire(row.id);
  }

  /** Ends the logs of a step: from now on they are only read. Call inside a turn. */
  finish(buildId: number, stepNumber: number): void {
    const key = `${buildId}.${stepNumber}`;
    const log = this.#live.get(key);
    if (log === undefined) return;
    for (const { stream, lines, bytes } of log.finish())
      this.#core.db.update(
        'logs',
        { build_id: buildId, step_number: stepNumber, stream },
        { lines, bytes, complete: 1 },
      );
    this.#live.delete(key);
    this.#core.afterCommit(() => {
      log.discardJournal();
      for (const row of this.ofStep(buildId, stepNumber)) this.grown.fire(row.id);
    });
  }

  /** Closes what is open; the journals have everything. */
  close(): void {
    for (const log of this.#live.values()) log.close();
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
  lines(logId: number, first: number, limit: number): LogLines | null {
    const row = this.row(logId);
    if (row === null) return null;
    return this.#reading(row, (log) => {
      const from = Math.min(log.lines, first < 0 ? Math.max(0, log.lines + first) : first);
      const wanted = Math.min(limit, MOST_LINES);
      return {
        logId,
        first: from,
        lines: takeLines(log, from, wanted),
        total: log.lines,
        complete: row.complete === 1,
      };
    });
  }

  /** The text of a log from its beginning to its present end, in pieces. */
  *raw(logId: number): Generator<Buffer> {
    const row = this.row(logId);
    if (row === null) return;
    // Read by line numbers, piece by piece, so that a log may finish (and its file be replaced) between two pieces.
    let next = 0;
    for (;;) {
      const { text, lines } = this.#reading(this.row(logId) ?? row, (log) => takeText(log, next));
      if (lines === 0) return;
      next += lines;
      yield text;
    }
  }

  #reading<T>(row: LogRow, read: (log: Readable) => T): T {
    if (row.complete === 0) {
      const writer = this.live(row.build_id, row.step_number).reader(row.stream);
      return read(writer ?? { lines: 0, bytes: 0, *read() {} });
    }
    const path = this.#path(row.build_id, `${row.step_number}.${row.stream}.log`);
    using reader = new FrameReader(path, statSync(path).size);
    return read(reader);
  }
}

function takeLines(log: Readable, first: number, limit: number): LogLine[] {
  const taken: LogLine[] = [];
  for (const { firstLine, record } of log.read(first)) {
    const stream = LOG_STREAMS[record.stream] ?? 'stdout';
    const texts = Buffer.from(record.data.buffer, record.data.byteOffset, record.data.length)
      .toString('utf8')
      .split('\n');
    for (let i = 0; i < texts.length - 1; i += 1) {
      if (firstLine + i < first) continue;
      if (taken.length >= limit) return taken;
      taken.push({ n: firstLine + i, stream, at: record.at, text: texts[i] ?? '' });
    }
  }
  return taken;
}

function takeText(log: Readable, first: number): { text: Buffer; lines: number } {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  let next = first;
  for (const { firstLine, record } of log.read(first)) {
    const skip = Math.max(0, next - firstLine);
    const data = afterLines(record.data, skip);
    pieces.push(Uint8Array.from(data));
    bytes += data.length;
    next = firstLine + countLines(record.data);
    if (bytes >= RAW_PIECE_BYTES) break;
  }
  return { text: Buffer.concat(pieces), lines: next - first };
}

function afterLines(data: Uint8Array, lines: number): Uint8Array {
  let at = 0;
  for (let i = 0; i < lines; i += 1) at = data.indexOf(0x0a, at) + 1;
  return data.subarray(at);
}
