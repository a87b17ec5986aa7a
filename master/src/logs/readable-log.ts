import { LOG_STREAMS, type LogLine } from '@icefall/shared';
import type { Records } from './frame-file.ts';
import { countLines } from './line-records.ts';

/** Records handed on at once when a whole log is read. */
const RAW_PIECE_BYTES = 256 * 1024;

/** Where a log's lines are read from. */
export interface ReadableLog {
  readonly lines: number;
  readonly bytes: number;
  read(first: number): Records;
  /** The first line from `first` on from which there may be marks of groups; `lines` where there is none. */
  nextMarked(first: number): number;
}

/** Lines from `first` on, at most `limit`; fewer, but one at least, where they have more than `mostCharacters`. */
export function takeLines(log: ReadableLog, first: number, limit: number, mostCharacters: number): LogLine[] {
  const taken: LogLine[] = [];
  let characters = 0;
  for (const { firstLine, record } of log.read(first)) {
    const stream = LOG_STREAMS[record.stream] ?? 'stdout';
    const texts = Buffer.from(record.data.buffer, record.data.byteOffset, record.data.length)
      .toString('utf8')
      .split('\n');
    for (let i = 0; i < texts.length - 1; i += 1) {
      if (firstLine + i < first) continue;
      const text = texts[i] ?? '';
      characters += text.length;
      if (taken.length >= limit || (characters > mostCharacters && taken.length > 0)) return taken;
      taken.push({ n: firstLine + i, stream, at: record.at, text });
    }
  }
  return taken;
}

/** The text of whole lines from `first` on, some 256 KiB of it, and how many lines that is. */
export function takeText(log: ReadableLog, first: number): { text: Buffer; lines: number } {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  let next = first;
  for (const { firstLine, record } of log.read(first)) {
    const skip = Math.max(0, next - firstLine);
    const data = afterLines(record.data, skip);
    pieces.push(data);
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
