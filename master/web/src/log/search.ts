import type { LogLine } from '@icefall/shared';
import { plainText } from '@icefall/shared/terminal';

/** Hits that are kept; who has more searches for something else. */
export const MOST_HITS = 20_000;
/** Lines that are read at once. */
const RANGE = 5000;
/** What is taken for an error where no one says so. */
export const ERRORS =
  /\b(?:error|fatal|failed|failure|exception|traceback|undefined reference|cannot|segmentation fault)\b/i;

/** What stands between the slashes of `/expression/`; null for plain text. */
export function expressionOf(text: string): string | null {
  return /^\/(.+)\/?$/.exec(text)?.[1]?.replace(/\/$/, '') ?? null;
}

/** What is searched for: plain text without regard to case, or `/expression/`; null: nothing, or a broken expression. */
export function matcherOf(text: string): RegExp | null {
  if (text === '') return null;
  const expression = expressionOf(text);
  try {
    return new RegExp(expression ?? text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'), 'i');
  } catch {
    return null;
  }
}

/** Reads lines from `first`; fewer than `limit` at the log's end, or where the master bounds an answer. */
export type ReadLines = (first: number, limit: number) => Promise<readonly LogLine[]>;

/** Numbers of the lines that match and are the command's own, piece by piece, from `from` to the log's `total`. */
export async function* hitsFrom(read: ReadLines, matcher: RegExp, from: number, total: number) {
  for (let first = from; first < total; ) {
    const lines = await read(first, Math.min(RANGE, total - first));
    if (lines.length === 0) return;
    first += lines.length;
    const own = lines.filter((line) => line.stream !== 'header');
    yield { hits: own.filter((line) => matcher.test(plainText(line.text))).map((line) => line.n), done: first };
  }
}

/** The first matching line after `from` (or before it), or null. */
export async function nextHit(
  read: ReadLines,
  matcher: RegExp,
  from: number,
  options: { total: number; backwards: boolean },
): Promise<number | null> {
  if (!options.backwards) {
    for await (const { hits } of hitsFrom(read, matcher, from + 1, options.total))
      if (hits[0] !== undefined) return hits[0];
    return null;
  }
  for (let end = from; end > 0; ) {
    const first = Math.max(0, end - RANGE);
    for await (const { hits } of lastFirst(read, matcher, first, end)) {
      const last = hits.at(-1);
      if (last !== undefined) return last;
    }
    end = first;
  }
  return null;
}

/** All hits of a range as one piece, for the last of them is wanted. */
async function* lastFirst(read: ReadLines, matcher: RegExp, first: number, end: number) {
  const all: number[] = [];
  for await (const { hits } of hitsFrom(read, matcher, first, end)) all.push(...hits);
  yield { hits: all };
}
