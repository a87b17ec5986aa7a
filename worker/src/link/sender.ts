import { encodeOutputFrame, MAX_FRAME_PAYLOAD_BYTES, SEND_WINDOW_BYTES, type WorkerMessage } from '@icefall/shared';
import type { Journal } from '../journal/journal.ts';
import type { Wire } from './wire.ts';

/**
 * Bytes that may wait in the socket. Small, so that a control message is never far behind the output before it; large
 * enough to keep a fast wire busy.
 */
const SOCKET_BYTES = 1024 * 1024;

/** A command as the sender sees it. */
export interface Sendable {
  readonly commandId: number;
  readonly epoch: number;
  readonly journal: Journal | null;
  /** Null before it has ended. */
  finishedMessage(): WorkerMessage | null;
}

interface Stream {
  readonly command: Sendable;
  /** Everything before it was sent on this wire. */
  sent: number;
  finishedSent: boolean;
  reading: boolean;
}

/**
 * Sends journals over one wire: of each command what is not yet acknowledged, within the window, all commands in turn;
 * and after the last byte that it has finished.
 */
export class JournalSender {
  readonly #wire: Wire;
  readonly #onFault: (command: Sendable, error: unknown) => void;
  readonly #streams = new Map<Sendable, Stream>();
  #closed = false;
  #turning = false;

  constructor(wire: Wire, onFault: (command: Sendable, error: unknown) => void) {
    this.#wire = wire;
    this.#onFault = onFault;
  }

  /** Begins to send a command's journal from an offset. Where it is sent already, it only tells its end again. */
  add(command: Sendable, from: number): void {
    const known = this.#streams.get(command);
    if (known === undefined) this.#streams.set(command, { command, sent: from, finishedSent: false, reading: false });
    else known.finishedSent = false;
    this.wake();
  }

  remove(command: Sendable): void {
    this.#streams.delete(command);
  }

  /** There may be more to send: new output, an acknowledgement, an end. */
  wake(): void {
    if (this.#turning || this.#closed) return;
    this.#turning = true;
    let sent = true;
    while (sent) {
      sent = false;
      for (const stream of this.#streams.values()) if (this.#step(stream)) sent = true;
    }
    this.#turning = false;
  }

  /** The wire is no more. */
  close(): void {
    this.#closed = true;
    this.#streams.clear();
  }

  /** Sends one frame of a stream, or its end. False where there is nothing, or no room. */
  #step(stream: Stream): boolean {
    if (stream.reading || this.#wire.bufferedBytes() >= SOCKET_BYTES) return false;
    const { journal } = stream.command;
    if (journal !== null && stream.sent < journal.written) return this.#sendOutput(stream, journal);
    return (journal === null || stream.sent >= journal.end) && this.#sendFinished(stream);
  }

  #sendOutput(stream: Stream, journal: Journal): boolean {
    if (stream.sent - journal.acknowledged > SEND_WINDOW_BYTES - MAX_FRAME_PAYLOAD_BYTES) return false;
    const payload = journal.recent(stream.sent);
    if (payload !== null) {
      this.#sendFrame(stream, payload);
      return true;
    }
    void this.#readBack(stream, journal);
    return false;
  }

  async #readBack(stream: Stream, journal: Journal): Promise<void> {
    stream.reading = true;
    try {
      const payload = await journal.readBack(stream.sent);
      if (this.#closed || this.#streams.get(stream.command) !== stream) return;
      if (payload.length > 0) this.#sendFrame(stream, payload);
    } catch (error) {
      // Sent again from the start after the next connect; more tries on this wire would only be the same.
      this.#streams.delete(stream.command);
      this.#onFault(stream.command, error);
    } finally {
      stream.reading = false;
    }
    this.wake();
  }

  #sendFrame(stream: Stream, payload: Uint8Array): void {
    const { commandId, epoch } = stream.command;
    const frame = encodeOutputFrame({ commandId, epoch, offset: stream.sent, payload });
    stream.sent += payload.length;
    this.#wire.sendBytes(frame, () => this.wake());
  }

  #sendFinished(stream: Stream): boolean {
    const message = stream.finishedSent ? null : stream.command.finishedMessage();
    if (message === null) return false;
    stream.finishedSent = true;
    this.#wire.sendText(JSON.stringify(message), () => this.wake());
    return true;
  }
}
