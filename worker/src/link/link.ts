import {
  CLOSE,
  decodeMasterMessage,
  formatDuration,
  type Hello,
  type MasterMessage,
  PEER_DEAD_MS,
  PING_INTERVAL_MS,
  PROTOCOL_MAJOR,
  ProtocolError,
  type WorkerMessage,
} from '@icefall/shared';
import { backoffDelay } from '../backoff.ts';
import type { Clock, Random, Timer } from '../clock.ts';
import type { Logger } from '../logger.ts';
import { Liveness } from './liveness.ts';
import type { Dial, Wire, WireEnd } from './wire.ts';

const FIRST_DELAY_MS = 200;
/** A link that held this long was a good one: the next try after it comes soon again. */
const GOOD_AFTER_MS = 10_000;
/**
 * A link that is welcomed but soon lost, again and again, is a bad network or a master in trouble: tries count up to here
 * and no further (200 ms · 2⁴ is 3.2 s), since in between there is work to be done.
 */
const MAX_FLAPPING_FAILURES = 5;
/** A master that has opened the socket but does not answer the greeting is overloaded; it is given time. */
const WELCOME_TIMEOUT_MS = 60_000;
/** So many messages that are none, and the other side is no master of ours. */
const MAX_BAD_MESSAGES = 20;
/** Answers that will be the same until somebody does something about them. */
const HOPELESS_STATUS = new Set([401, 403]);
const HOPELESS_CODES = new Set<number>([CLOSE.protocolError, CLOSE.versionMismatch]);

export type Welcome = Extract<MasterMessage, { kind: 'welcome' }>;
export type Directive = Exclude<MasterMessage, Welcome>;

interface LinkOptions {
  readonly dial: Dial;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly longestDelayMs: number;
  /** Made anew for every connection: what the worker holds at that time. */
  readonly hello: () => Hello;
  readonly onUp: (welcome: Welcome, wire: Wire) => void;
  readonly onMessage: (message: Directive) => void;
  readonly onDown: () => void;
}

interface Connection {
  readonly wire: Wire;
  readonly liveness: Liveness;
  welcomeTimer: Timer | null;
  upSince: number | null;
  badMessages: number;
}

/** Keeps one connection to the master: greets, watches over it, makes another when it is gone. */
export class Link {
  readonly #options: LinkOptions;
  #connection: Connection | null = null;
  #retry: Timer | null = null;
  #failures = 0;
  #closed = false;

  constructor(options: LinkOptions) {
    this.#options = options;
  }

  /** True between welcome and loss. */
  get up(): boolean {
    return this.#connection !== null && this.#connection.upSince !== null;
  }

  open(): void {
    const { dial, clock, logger } = this.#options;
    const wire = dial({
      onOpen: () => this.#greet(connection),
      onText: (text) => this.#receive(connection, text),
      onBytes: (length) =>
        this.#complain(connection, 'unexpected_frame', `a worker takes no binary frames (${length} bytes)`),
      onEnd: (end) => this.#ended(connection, end),
    });
    const liveness = new Liveness(wire, clock, { intervalMs: PING_INTERVAL_MS, deadMs: PEER_DEAD_MS }, (silentMs) => {
      logger.warn('the master is silent, connecting anew', { silent: formatDuration(silentMs) });
      wire.terminate();
    });
    const connection: Connection = { wire, liveness, welcomeTimer: null, upSince: null, badMessages: 0 };
    this.#connection = connection;
  }

  /** Sends where the link is up; otherwise nothing is lost, since the next greeting tells it all. */
  send(message: WorkerMessage): void {
    if (this.up) this.#connection?.wire.sendText(JSON.stringify(message));
  }

  /** Ends the link for good. */
  close(reason: string): void {
    this.#closed = true;
    this.#retry?.cancel();
    this.#connection?.wire.close(1000, reason.slice(0, 100));
  }

  #greet(connection: Connection): void {
    const { clock, hello, logger } = this.#options;
    connection.liveness.begin();
    connection.welcomeTimer = clock.after(WELCOME_TIMEOUT_MS, () => {
      logger.warn('the master does not answer the greeting, connecting anew');
      connection.wire.terminate();
    });
    connection.wire.sendText(JSON.stringify(hello()));
  }

  #receive(connection: Connection, text: string): void {
    let message: MasterMessage;
    try {
      message = decodeMasterMessage(text);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#complain(connection, error.code, error.message);
      return;
    }
    if (message.kind === 'welcome') this.#welcomed(connection, message);
    else if (connection.upSince !== null || message.kind === 'error') this.#options.onMessage(message);
    else this.#complain(connection, 'not_welcomed', `a message of kind "${message.kind}" came before the welcome`);
  }

  #welcomed(connection: Connection, welcome: Welcome): void {
    if (connection.upSince !== null) {
      this.#complain(connection, 'welcomed_twice', 'a second welcome came on one connection');
      return;
    }
    if (welcome.protocol.major !== PROTOCOL_MAJOR) {
      const text = `the master speaks version ${welcome.protocol.major} of the protocol, this worker ${PROTOCOL_MAJOR}`;
      this.#options.logger.error(text);
      connection.wire.close(CLOSE.versionMismatch, text);
      return;
    }
    connection.welcomeTimer?.cancel();
    connection.upSince = this.#options.clock.monotonic();
    this.#options.onUp(welcome, connection.wire);
  }

  /** Tells the master what it did wrong; it may be newer than this worker and know more kinds of message. */
  #complain(connection: Connection, code: string, message: string): void {
    this.#options.logger.warn(`bad message: ${message}`, { code });
    connection.badMessages += 1;
    if (connection.badMessages > MAX_BAD_MESSAGES) connection.wire.close(CLOSE.protocolError, code);
    else connection.wire.sendText(JSON.stringify({ kind: 'error', code, message } satisfies WorkerMessage));
  }

  #ended(connection: Connection, end: WireEnd): void {
    const { clock, random, logger, longestDelayMs, onDown } = this.#options;
    connection.liveness.end();
    connection.welcomeTimer?.cancel();
    this.#connection = null;
    const wasUp = connection.upSince !== null;
    if (wasUp) onDown();
    if (this.#closed) return;
    const good = connection.upSince !== null && clock.monotonic() - connection.upSince >= GOOD_AFTER_MS;
    this.#failures = good ? 1 : this.#failures + 1;
    if (wasUp) this.#failures = Math.min(this.#failures, MAX_FLAPPING_FAILURES);
    const delayMs = isHopeless(end)
      ? longestDelayMs
      : backoffDelay(this.#failures, { firstMs: FIRST_DELAY_MS, longestMs: longestDelayMs }, random);
    logger.warn(`${wasUp ? 'lost the master' : 'no connection to the master'}: ${endWords(end)}`, {
      next: formatDuration(delayMs),
    });
    this.#retry = clock.after(delayMs, () => this.open());
  }
}

function isHopeless(end: WireEnd): boolean {
  if (end.kind === 'refused') return HOPELESS_STATUS.has(end.status);
  return end.kind === 'closed' && HOPELESS_CODES.has(end.code);
}

function endWords(end: WireEnd): string {
  switch (end.kind) {
    case 'refused':
      return `refused with ${end.status}${end.message === '' ? '' : `: ${end.message}`}`;
    case 'failed':
      return end.message;
    case 'closed':
      return `closed with ${end.code}${end.reason === '' ? '' : `: ${end.reason}`}`;
  }
}
