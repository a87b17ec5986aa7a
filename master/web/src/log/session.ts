import type { Log, LogLine, LogLines } from '@icefall/shared';
import { batch, signal } from '@preact/signals';
import { api } from '../api/endpoints.ts';
import { followLog } from '../api/stream.ts';
import { messageOf } from '../ui/resource.ts';
import { LineCache } from './line-cache.ts';

const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 10_000;
/** Pieces of a stream that wait for the next paint; with more (a page in the background) they are taken at once. */
const MOST_WAITING = 100;
/** Lines before and after one that is to be seen first: a screen of them. */
const BEFORE = 10;
const AFTER = 60;
/** Ranges that are fetched at the same time. */
const MOST_FETCHES = 4;

/** A log that is being looked at: what is at hand of it, and how it grows. */
export function createLogSession(id: number) {
  const cache = new LineCache();
  const log = signal<Log | null>(null);
  const total = signal(0);
  const complete = signal(false);
  const failure = signal('');
  /** Rises when lines came in. */
  const version = signal(0);
  /** What the stream of a growing log brought at last: every line of it once, in order, from `begin` on. */
  const written = signal<readonly LogLine[]>([]);
  const begin = signal<number | null>(null);
  const wanted = new Set<number>();
  let closeStream = () => {};
  let retry: ReturnType<typeof setTimeout> | undefined;
  let failures = 0;
  let closed = false;
  let waiting: LogLines[] = [];

  function take(piece: LogLines): void {
    cache.put(piece.lines);
    const end = (piece.lines.at(-1)?.n ?? -1) + 1;
    total.value = Math.max(total.peek(), piece.total, end);
    if (piece.complete && end >= piece.total) complete.value = true;
    version.value = version.peek() + 1;
  }

  /** A step may print faster than anybody can paint: what came since the last paint is taken together. */
  function takeSoon(piece: LogLines): void {
    waiting.push(piece);
    if (waiting.length >= MOST_WAITING) takeWaiting();
    else if (waiting.length === 1) requestAnimationFrame(takeWaiting);
  }

  function takeWaiting(): void {
    const pieces = waiting;
    waiting = [];
    batch(() => {
      written.value = pieces.flatMap(({ lines }) => lines);
      pieces.forEach(take);
    });
  }

  function follow(): void {
    if (closed || complete.peek()) return;
    closeStream = followLog(id, total.peek(), {
      lines(piece) {
        failures = 0;
        failure.value = '';
        takeSoon(piece);
      },
      ended() {
        takeWaiting();
        complete.value = true;
      },
      broken() {
        takeWaiting();
        failure.value = 'The log’s stream broke; trying again by itself.';
        retry = setTimeout(follow, Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** failures));
        failures += 1;
      },
    });
  }

  /** `line`: one that is to be seen first; its neighbours are asked for at once. */
  async function open(line: number | null = null): Promise<void> {
    if (line !== null)
      for (const { first, limit } of cache.missing(Math.max(0, line - BEFORE), line + AFTER))
        void fetchRange(first, limit);
    try {
      const found = await api.log(id);
      log.value = found;
      total.value = found.lines;
      complete.value = found.complete;
      begin.value = found.lines;
      follow();
    } catch (cause) {
      failure.value = messageOf(cause);
    }
  }

  async function fetchRange(first: number, limit: number): Promise<void> {
    if (wanted.has(first) || wanted.size >= MOST_FETCHES) return;
    wanted.add(first);
    try {
      take(await api.logLines(id, first, limit));
    } catch (cause) {
      failure.value = messageOf(cause);
    } finally {
      wanted.delete(first);
    }
  }

  return {
    id,
    cache,
    log,
    total,
    complete,
    failure,
    version,
    written,
    begin,
    open,
    /** Fetches what is missing of these lines. */
    want(first: number, end: number): void {
      for (const range of cache.missing(Math.max(0, first), Math.min(end, total.peek())))
        void fetchRange(range.first, range.limit);
    },
    read: async (first: number, limit: number) => (await api.logLines(id, first, limit)).lines,
    close(): void {
      closed = true;
      closeStream();
      clearTimeout(retry);
    },
  };
}
export type LogSession = ReturnType<typeof createLogSession>;
