import type { LogSearchPiece } from '@icefall/shared';
import type { Core } from '../engine/core.ts';
import { sseFrame } from '../events/frame.ts';
import { type Hit, LineSearch, SearchError, type Wanted } from '../logs/line-search.ts';
import type { LogPiece, LogStore } from '../logs/log-store.ts';
import type { SseStream } from './sse.ts';

/** Time after which others have their turn: who opens a log while it is searched does not feel it. */
const TURN_MS = 8;
/** However fast they are: some 16 MB. */
const MOST_PIECES_A_TURN = 64;

export interface LogSearchOptions extends Wanted {
  readonly logId: number;
  /** Line to begin with. */
  readonly first: number;
  /** Whether the lines themselves are sent, too. */
  readonly withText: boolean;
  /** Hits after which it ends. */
  readonly limit: number;
}

/**
 * Searches a log and sends the numbers of its lines as they are found: event `hits` (LogSearchPiece) at the beginning,
 * with every find and now and then, `end` after the last, `refused` with a message. Nothing waits in memory for a client
 * that is slow.
 */
export class LogSearch {
  readonly #core: Core;
  readonly #stream: SseStream;
  readonly #search: LineSearch;
  readonly #pieces: Generator<LogPiece>;
  readonly #options: LogSearchOptions;
  #found = 0;
  #done: number;

  /** Throws {@link SearchError}. */
  constructor(core: Core, logs: LogStore, options: LogSearchOptions, open: () => SseStream) {
    this.#core = core;
    this.#options = options;
    this.#search = new LineSearch(options);
    this.#pieces = logs.pieces(options.logId, options.first);
    this.#done = options.first;
    this.#stream = open();
  }

  start(): void {
    this.#work();
  }

  /** Searches for a while; goes on when others had their turn and the client has room. */
  #work(): void {
    if (!this.#stream.isOpen) return;
    try {
      const { hits, isOver } = this.#some();
      const hasRoom = this.#stream.write(frame('hits', this.#piece(hits)));
      if (isOver) this.#stream.end(frame('end', this.#piece([])));
      else if (hasRoom) this.#core.clock.after(0, () => this.#work());
      else this.#stream.drained(() => this.#work());
    } catch (error) {
      this.#refuse(error);
    }
  }

  #some(): { hits: Hit[]; isOver: boolean } {
    const hits: Hit[] = [];
    const { clock } = this.#core;
    const end = clock.monotonic() + TURN_MS;
    for (let i = 0; i === 0 || (i < MOST_PIECES_A_TURN && clock.monotonic() < end); i += 1) {
      const next = this.#pieces.next();
      if (next.done === true) return { hits, isOver: true };
      const room = this.#options.limit - this.#found;
      const found = this.#search.hits(next.value).slice(0, room);
      hits.push(...found);
      this.#found += found.length;
      this.#done = next.value.first + next.value.lines;
      if (this.#found >= this.#options.limit) return { hits, isOver: true };
      // The first hit is for somebody who waits.
      if (this.#found === found.length && found.length > 0) return { hits, isOver: false };
    }
    return { hits, isOver: false };
  }

  #piece(found: readonly Hit[]): LogSearchPiece {
    const isFull = this.#found >= this.#options.limit;
    const hits = found.map(({ line }) => line);
    const texts = this.#options.withText ? { texts: found.map(({ text }) => text) } : {};
    return { logId: this.#options.logId, hits, ...texts, done: this.#done, isFull };
  }

  #refuse(error: unknown): void {
    if (!(error instanceof SearchError))
      this.#core.log.error({ logId: this.#options.logId, error }, 'a log that is searched cannot be read');
    const message =
      error instanceof SearchError ? error.message : "the log cannot be read; the master's own log says why";
    this.#stream.end(frame('refused', { message }));
  }
}

function frame(name: string, data: object): Buffer {
  return sseFrame({ name, data: JSON.stringify(data) });
}
