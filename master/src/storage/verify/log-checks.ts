import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Database } from '../../db/database.ts';
import { FrameReader, LogFileError, type Records, readSmallLog } from '../../logs/frame-file.ts';
import { countLines } from '../../logs/line-records.ts';
import { framePath, journalPath, type LogFile, type StrangeFile } from '../places.ts';
import { type Finding, REMEDY } from './findings.ts';

interface LogRow {
  readonly id: number;
  readonly build_id: number;
  readonly step_number: number;
  readonly stream: number;
  readonly lines: number;
  readonly bytes: number;
}

/** Every complete log: it is there, can be read to its end, and is as long as its row says. */
export function* checkLogs(db: Database, directory: string): Generator<Finding | null> {
  const frameOf = db.prepare<[number], { frame: Buffer }>('SELECT frame FROM small_logs WHERE log_id = ?');
  // Not in one piece: millions of rows. The next statement comes between, so no iterator either.
  const next = db.prepare<[number], LogRow>('SELECT * FROM logs WHERE complete = 1 AND id > ? ORDER BY id LIMIT 1000');
  for (let rows = next.all(0); rows.length > 0; rows = next.all(rows.at(-1)?.id ?? 0))
    for (const row of rows) {
      const small = frameOf.get(row.id);
      yield small === undefined ? checkFile(directory, row) : checkSmall(row, small.frame);
    }
}

function checkSmall(row: LogRow, frame: Buffer): Finding | null {
  const why = whyNot(row, () => measure(readSmallLog(frame, 0)));
  return why === null ? null : damage(`small_logs ${row.id}`, why);
}

function checkFile(directory: string, row: LogRow): Finding | null {
  const path = framePath(row.build_id, row.step_number, row.stream);
  const why = whyNot(row, () => {
    using reader = new FrameReader(join(directory, path));
    const measured = measure(reader.read(0));
    if (measured.lines !== reader.lines || measured.bytes !== reader.bytes)
      throw new LogFileError(path, `it holds ${words(measured)}, its index says ${words(reader)}`);
    return measured;
  });
  if (why === null) return null;
  if (!existsSync(join(directory, journalPath(row.build_id, row.step_number)))) return damage(path, why);
  const message = `${why}; its journal is here, from which it is made again when it is read`;
  return { severity: 'leftover', place: path, message, remedy: REMEDY.none };
}

interface Size {
  readonly lines: number;
  readonly bytes: number;
}
const words = ({ lines, bytes }: Size) => `${lines} lines and ${bytes} bytes`;

function measure(records: Records): Size {
  let [lines, bytes] = [0, 0];
  for (const { firstLine, record } of records) {
    if (firstLine !== lines) throw new Error(`what follows line ${lines} is counted as line ${firstLine}`);
    lines += countLines(record.data);
    bytes += record.data.length;
  }
  return { lines, bytes };
}

/** Why a log is not what its row says, or null. */
function whyNot(row: LogRow, read: () => Size): string | null {
  try {
    const size = read();
    if (size.lines === row.lines && size.bytes === row.bytes) return null;
    return `it holds ${words(size)}, its row (logs ${row.id}) says ${words(row)}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function damage(place: string, message: string): Finding {
  return { severity: 'damage', place, message, remedy: REMEDY.log };
}

/**
 * Files that were there before the database was looked at, against its rows: a build and step exist before their first
 * file, and the row of a log before its step ends.
 */
export function* checkFiles(
  db: Database,
  directory: string,
  files: Iterable<LogFile | StrangeFile>,
): Generator<Finding | null> {
  const stateOf = db.prepare<[number, number], { state: string }>(
    'SELECT state FROM steps WHERE build_id = ? AND number = ?',
  );
  const rowOf = db.prepare<[number, number, number], { id: number }>(
    'SELECT id FROM logs WHERE build_id = ? AND step_number = ? AND stream = ?',
  );
  for (const file of files) {
    if (file.buildId === null) {
      yield leftover(file.path, 'it is no file of a log', REMEDY.remove);
      continue;
    }
    const { path, buildId, stepNumber, stream } = file;
    const state = stateOf.get(buildId, stepNumber)?.state;
    if (state === undefined) yield leftover(path, 'it belongs to no step on record', REMEDY.remove);
    else if (state !== 'finished') yield null;
    else if (stream !== null && rowOf.get(buildId, stepNumber, stream) === undefined)
      yield leftover(path, 'its step has ended, and no log of it is on record', REMEDY.remove);
    else if (stream === null && existsSync(join(directory, path)))
      yield leftover(path, 'the journal of a step that has ended', REMEDY.none);
    else yield null;
  }
}

function leftover(place: string, message: string, remedy: string): Finding {
  return { severity: 'leftover', place, message, remedy };
}
