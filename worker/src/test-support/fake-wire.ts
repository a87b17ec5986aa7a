import type { OutputFrame, WorkerMessage } from '@icefall/shared';
import { decodeOutputFrame, decodeWorkerMessage } from '@icefall/shared';
import type { Wire, WireEvents } from '../link/wire.ts';

/** A wire whose other end is the test. */
export class FakeWire implements Wire {
  readonly events: WireEvents;
  readonly texts: WorkerMessage[] = [];
  readonly frames: OutputFrame[] = [];
  pings = 0;
  received = 0;
  closedWith: number | null = null;
  /** Bytes that wait to leave; they wait until `leave`. */
  buffered = 0;
  holds = false;
  #waiting: (() => void)[] = [];

  constructor(events: WireEvents) {
    this.events = events;
  }

  sendText(text: string, done?: () => void): void {
    this.texts.push(decodeWorkerMessage(text));
    this.#sent(text.length, done);
  }

  sendBytes(bytes: Uint8Array, done?: () => void): void {
    this.frames.push(decodeOutputFrame(Uint8Array.from(bytes)));
    this.#sent(bytes.length, done);
  }

  bufferedBytes(): number {
    return this.buffered;
  }

  receivedBytes(): number {
    return this.received;
  }

  ping(): void {
    this.pings += 1;
  }

  close(code: number, reason: string): void {
    this.closedWith = code;
    this.events.onEnd({ kind: 'closed', code, reason });
  }

  terminate(): void {
    this.events.onEnd({ kind: 'failed', message: 'terminated' });
  }

  /** Something comes from the master. */
  receive(message: unknown): void {
    const text = typeof message === 'string' ? message : JSON.stringify(message);
    this.received += text.length;
    this.events.onText(text);
  }

  /** What waited leaves. */
  leave(): void {
    this.buffered = 0;
    for (const done of this.#waiting.splice(0)) done();
  }

  #sent(length: number, done: (() => void) | undefined): void {
    if (!this.holds) {
      done?.();
      return;
    }
    this.buffered += length;
    if (done !== undefined) this.#waiting.push(done);
  }
}

/** Events for a wire that nobody listens to. */
export const NO_EVENTS: WireEvents = { onOpen() {}, onText() {}, onBytes() {}, onEnd() {} };
