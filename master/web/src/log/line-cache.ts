import type { LogLine } from '@icefall/shared';

/** Lines that are fetched at once. */
export const CHUNK = 500;
/** Chunks that are kept: 30,000 lines, more than anybody scrolls in one go, and bounded for logs of millions. */
export const KEPT_CHUNKS = 60;

/** Lines of a log that are at hand, by chunks; the longest unused ones are forgotten. */
export class LineCache {
  private readonly chunks = new Map<number, (LogLine | undefined)[]>();

  get(n: number): LogLine | undefined {
    return this.chunks.get(Math.floor(n / CHUNK))?.[n % CHUNK];
  }

  put(lines: readonly LogLine[]): void {
    for (const line of lines) {
      const index = Math.floor(line.n / CHUNK);
      const chunk = this.chunks.get(index) ?? [];
      chunk[line.n % CHUNK] = line;
      this.touch(index, chunk);
    }
    for (const index of this.chunks.keys()) {
      if (this.chunks.size <= KEPT_CHUNKS) break;
      this.chunks.delete(index);
    }
  }

  /** First lines and counts that are missing from `first` to `end` (without it), one range for each chunk. */
  missing(first: number, end: number): { first: number; limit: number }[] {
    const ranges: { first: number; limit: number }[] = [];
    for (let index = Math.floor(first / CHUNK); index * CHUNK < end; index += 1) {
      const from = Math.max(first, index * CHUNK);
      const to = Math.min(end, (index + 1) * CHUNK);
      const chunk = this.chunks.get(index);
      if (chunk !== undefined) this.touch(index, chunk);
      if (!hasAll(chunk, from % CHUNK, to - index * CHUNK)) ranges.push({ first: index * CHUNK, limit: CHUNK });
    }
    return ranges;
  }

  /** Puts a chunk last in the order in which they are forgotten. */
  private touch(index: number, chunk: (LogLine | undefined)[]): void {
    this.chunks.delete(index);
    this.chunks.set(index, chunk);
  }
}

function hasAll(chunk: (LogLine | undefined)[] | undefined, from: number, to: number): boolean {
  if (chunk === undefined) return false;
  for (let i = from; i < to; i += 1) if (chunk[i] === undefined) return false;
  return true;
}
