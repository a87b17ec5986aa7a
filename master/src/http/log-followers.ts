import type { Core } from '../engine/core.ts';
import type { Timer } from '../engine/ports.ts';
import { sseFrame } from '../events/frame.ts';
import type { LogStore } from '../logs/log-store.ts';
import type { SseStream } from './sse.ts';

/** Lines in one piece: some 50 kB usually. */
const PIECE_LINES = 500;
/** Where they are long, so many characters: what waits for each client that does not read. */
const PIECE_TEXT = 256 * 1024;
/** Time between two looks at a log that grows: output that comes line by line is sent in pieces. */
const LOOK_EVERY_MS = 50;

/**
 * Clients that follow growing logs. Each is sent lines as fast as it takes them, read from the store when there is room:
 * nothing waits in memory for a slow one.
 */
export class LogFollowers {
  readonly #logs: LogStore;
  readonly #core: Core;
  readonly #byLog = new Map<number, Set<Follower>>();

  constructor(core: Core, logs: LogStore) {
    this.#core = core;
    this.#logs = logs;
    logs.grown.on((logId) => {
      for (const follower of this.#byLog.get(logId) ?? []) this.#plan(follower, LOOK_EVERY_MS);
    });
  }

  /** Sends lines from `first` on (negative: from the end) until the log is complete, then `end`. */
  follow(logId: number, first: number, stream: SseStream): void {
    const followers = this.#byLog.get(logId) ?? new Set();
    this.#byLog.set(logId, followers);
    const follower: Follower = { logId, stream, next: first, timer: null, isWaitingForRoom: false };
    followers.add(follower);
    this.#send(follower);
  }

  /** The client has gone. */
  leave(logId: number, stream: SseStream): void {
    const followers = this.#byLog.get(logId);
    for (const follower of followers ?? []) {
      if (follower.stream !== stream) continue;
      follower.timer?.cancel();
      followers?.delete(follower);
    }
    if (followers?.size === 0) this.#byLog.delete(logId);
  }

  #plan(follower: Follower, afterMs: number): void {
    if (follower.timer !== null || follower.isWaitingForRoom) return;
    const { clock } = this.#core;
    follower.timer = clock.after(afterMs, () => {
      follower.timer = null;
      this.#send(follower);
    });
  }

  #send(follower: Follower): void {
    if (!follower.stream.isOpen) return;
    try {
      this.#sendPiece(follower);
    } catch (error) {
      // A damaged file is this follower's trouble only; its client asks again and is told.
      this.#core.log.error({ logId: follower.logId, error }, 'a log that is followed cannot be read');
      follower.stream.end();
    }
  }

  /** One piece; the next one when there is room for it, and others had their turn. */
  #sendPiece(follower: Follower): void {
    const { logId, stream } = follower;
    const piece = this.#logs.lines(logId, follower.next, PIECE_LINES, PIECE_TEXT);
    if (piece === null) {
      stream.end();
      return;
    }
    follower.next = piece.first + piece.lines.length;
    const isAtEnd = follower.next >= piece.total;
    const hasRoom =
      piece.lines.length === 0 ||
      stream.write(sseFrame({ id: follower.next, name: 'lines', data: JSON.stringify(piece) }));
    if (isAtEnd && piece.complete)
      stream.end(sseFrame({ name: 'end', data: JSON.stringify({ logId, total: piece.total }) }));
    else if (!hasRoom) this.#sendWhenDrained(follower);
    else if (!isAtEnd) this.#plan(follower, 0);
  }

  #sendWhenDrained(follower: Follower): void {
    follower.isWaitingForRoom = true;
    follower.stream.drained(() => {
      follower.isWaitingForRoom = false;
      this.#send(follower);
    });
  }
}

interface Follower {
  readonly logId: number;
  readonly stream: SseStream;
  /** The line to be sent next; negative only before the first look. */
  next: number;
  timer: Timer | null;
  isWaitingForRoom: boolean;
}
