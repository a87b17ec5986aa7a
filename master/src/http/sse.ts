import type { ServerResponse } from 'node:http';
import { isLoopback } from '../access/loopback.ts';
import { networkOf } from '../access/network.ts';
import type { Clock, Timer } from '../engine/ports.ts';
import { Shares } from '../engine/shares.ts';
import { HttpProblem } from './errors.ts';

/** Streams open at once: a page has one, and one for each log it follows. Each costs a socket and its buffer. */
export const MOST_STREAMS = 1000;
/** Of one address, if it is not this machine's. */
export const MOST_STREAMS_OF_ADDRESS = MOST_STREAMS / 2;
/** Proxies and browsers take a silent connection for a dead one, most after 30 s. */
export const HEARTBEAT_MS = 15_000;
/** What an ended stream is given to take its last frame. */
const LAST_FRAME_MS = 5000;

/** One open stream of server-sent events. */
export class SseStream {
  /** Whether whoever reads it still may. */
  readonly isAllowed: () => boolean;
  readonly #response: ServerResponse;
  readonly #clock: Clock;
  readonly #deadline: { timer: Timer | null } = { timer: null };
  #isEnded = false;

  constructor(response: ServerResponse, clock: Clock, isAllowed: () => boolean = () => true) {
    this.isAllowed = isAllowed;
    this.#response = response;
    this.#clock = clock;
    response.on('close', () => this.#deadline.timer?.cancel());
  }

  get isOpen(): boolean {
    return !this.#isEnded && !this.#response.destroyed;
  }

  get bufferedBytes(): number {
    return this.#response.writableLength;
  }

  /** Gives whether there is room for more; `drained` tells when there is again. */
  write(frame: Buffer | string): boolean {
    return this.isOpen && this.#response.write(frame);
  }

  /** Calls back once, when everything written was taken. */
  drained(callback: () => void): void {
    this.#response.once('drain', callback);
  }

  /** Ends the stream. A client that does not take what is left is cut off. */
  end(last?: Buffer): void {
    if (!this.isOpen) return;
    this.#isEnded = true;
    this.#response.end(last);
    this.#deadline.timer = this.#clock.after(LAST_FRAME_MS, () => this.#response.destroy());
  }
}

/** What is needed of a fastify reply. */
interface Hijackable {
  readonly raw: ServerResponse;
  hijack(): unknown;
  getHeaders(): Readonly<Record<string, number | string | string[] | undefined>>;
}

/** All open streams: counted, kept alive, and ended with the server. */
export class SseStreams {
  readonly #clock: Clock;
  readonly #open = new Set<SseStream>();
  readonly #shares = new Shares({ most: MOST_STREAMS, mostOfOne: MOST_STREAMS_OF_ADDRESS });
  #heartbeat: Timer | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Turns a reply to an address into a stream; `closed` is called once when it is over. It is ended once `isAllowed` says no: asked at
   * each heartbeat and by {@link recheck}. Throws {@link HttpProblem}.
   */
  open(reply: Hijackable, address: string, closed: () => void, isAllowed: () => boolean): SseStream {
    const giveBack = this.#shares.take(isLoopback(address) ? null : networkOf(address));
    if (giveBack === null)
      throw new HttpProblem(
        'too_many_streams',
        `${MOST_STREAMS} streams are open, or ${MOST_STREAMS_OF_ADDRESS} of ${address}; close some, or ask for snapshots`,
      );
    reply.hijack();
    const response = reply.raw;
    for (const [name, value] of Object.entries(reply.getHeaders()))
      if (value !== undefined) response.setHeader(name, value);
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      // nginx collects answers otherwise.
      'x-accel-buffering': 'no',
    });
    const stream = new SseStream(response, this.#clock, isAllowed);
    response.on('error', () => response.destroy());
    response.on('close', () => {
      this.#open.delete(stream);
      giveBack();
      closed();
    });
    this.#open.add(stream);
    // A first comment, so that the client sees an open stream before the first event.
    stream.write(': open\n\n');
    this.#beat();
    return stream;
  }

  #beat(): void {
    if (this.#heartbeat !== null || this.#open.size === 0) return;
    this.#heartbeat = this.#clock.after(HEARTBEAT_MS, () => {
      this.#heartbeat = null;
      this.recheck();
      // One that takes nothing has no use for more.
      for (const stream of this.#open) if (stream.bufferedBytes === 0) stream.write(': alive\n\n');
      this.#beat();
    });
  }

  /** Ends the streams of those who may not read them any more. */
  recheck(): void {
    for (const stream of this.#open) if (!stream.isAllowed()) stream.end();
  }

  get size(): number {
    return this.#open.size;
  }

  close(): void {
    this.#heartbeat?.cancel();
    this.#heartbeat = null;
    for (const stream of this.#open) stream.end();
    this.#open.clear();
  }
}
