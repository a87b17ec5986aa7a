import type { LogSearchPiece } from '@icefall/shared';
import type { Core } from '../engine/core.ts';
import { sseFrame } from '../events/frame.ts';
import { type Hit, LineSearch, SearchError, type Wanted } from '../logs/line-search.ts';
import type { LogPiece, LogStore } from '../logs/log-store.ts';
import type { SearchTurns } from './search-turns.ts';
import type { SseStream } from './sse.ts';

/** Time after which others have their turn: who opens a log while it is searched does not feel it. */
const TURN_MS = 8;
/** However fast they are: some 16 MB. */
const MOST_PIECES_A_TURN = 64;

export interface LogSearchOptions extends Wanted {
  /** The logs, one after the other; at least one. */
  readonly logIds: readonly number[];
  /** Line of the first of them to begin with. */
  readonly first: number;
  /** Whether the lines themselves are sent, too. */
  readonly withText: boolean;
  /** Only where lines may begin or end a group: the log's index knows. Default false. */
  readonly onlyMarked?: boolean;
  /** Hits after which it ends. */
  readonly limit: number;
}

/** Where it searches, and how searches share its time. */
interface SearchedMaster {
  readonly core: Core;
  readonly logs: LogStore;
  readonly turns: SearchTurns;
}

/**
 * Searches logs and sends the numbers of their lines as they are found: event `hits` (LogSearchPiece) at the beginning,
 * with every find, at the end of each log and now and then, `end` after the last, `refused` with a message. Nothing waits
 * in memory for a client that is slow.
 */
export class LogSearch {
  readonly #core: Core;
  readonly #stream: SseStream;
  readonly #search: LineSearch;
  readonly #logs: LogStore;
  readonly #turns: SearchTurns;
  readonly #options: LogSearchOptions;
  readonly #later: number[];
  #logId: number;
  #pieces: Generator<LogPiece>;
  #found = 0;
  #done: number;

  /** Throws {@link SearchError}. */
  constructor({ core, logs, turns }: SearchedMaster, options: LogSearchOptions, open: () => SseStream) {
    this.#core = core;
    this.#turns = turns;
    this.#options = options;
    this.#logs = logs;
    this.#search = new LineSearch(options);
    const [first, ...later] = options.logIds;
    if (first === undefined) throw new SearchError('there is no log yet that could be searched');
    this.#later = later;
    this.#logId = first;
    this.#pieces = this.#piecesOf(first, options.first);
    this.#done = options.first;
    this.#stream = open();
  }

  #piecesOf(logId: number, first: number): Generator<LogPiece> {
    return this.#logs.pieces(logId, first, { onlyMarked: this.#options.onlyMarked === true });
  }

  /** Begins, or goes on, when it is its turn. */
  start(): void {
    this.#turns.take(() => this.#work());
  }

  /** Searches for a while; goes on when others had their turn and the client has room. */
  #work(): void {
    if (!this.#stream.isOpen) return;
    try {
      const { hits, isLogOver } = this.#some();
      const hasRoom = this.#stream.write(frame('hits', this.#piece(hits)));
      if (isLogOver && !this.#next()) this.#stream.end(frame('end', this.#piece([])));
      else if (hasRoom) this.start();
      else this.#stream.drained(() => this.start());
    } catch (error) {
      this.#refuse(error);
    }
  }

  /** Goes on to the next log; false: there is none, or enough was found. */
  #next(): boolean {
    const next = this.#later.shift();
    if (next === undefined || this.#isFull()) return false;
    this.#logId = next;
    this.#pieces = this.#piecesOf(next, 0);
    this.#done = 0;
    return true;
  }

  #isFull(): boolean {
    return this.#found >= this.#options.limit;
  }

  #some(): { hits: Hit[]; isLogOver: boolean } {
    const hits: Hit[] = [];
    const { clock } = this.#core;
    const end = clock.monotonic() + TURN_MS;
    for (let i = 0; i === 0 || (i < MOST_PIECES_A_TURN && clock.monotonic() < end); i += 1) {
      const next = this.#pieces.next();
      if (next.done === true) return { hits, isLogOver: true };
      const room = this.#options.limit - this.#found;
      const found = this.#search.hits(next.value).slice(0, room);
      hits.push(...found);
      this.#found += found.length;
      this.#done = next.value.first + next.value.lines;
      if (this.#isFull()) return { hits, isLogOver: true };
      // The first hit is for somebody who waits.
      if (this.#found === found.length && found.length > 0) return { hits, isLogOver: false };
    }
    return { hits, isLogOver: false };
  }

  #piece(found: readonly Hit[]): LogSearchPiece {
    const hits = found.map(({ line }) => line);
    const texts = this.#options.withText ? { texts: found.map(({ text }) => text) } : {};
    return { logId: this.#logId, hits, ...texts, done: this.#done, isFull: this.#isFull() };
  }

  #refuse(error: unknown): void {
    if (!(error instanceof SearchError))
      this.#core.log.error({ logId: this.#logId, error }, 'a log that is searched cannot be read');
    const message =
      error instanceof SearchError ? error.message : "the log cannot be read; the master's own log says why";
    this.#stream.end(frame('refused', { message }));
  }
}

function frame(name: string, data: object): Buffer {
  return sseFrame({ name, data: JSON.stringify(data) });
}
