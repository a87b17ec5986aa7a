import { STREAM } from '@icefall/shared';
import { ScrubbedStream, type Scrubber } from '@icefall/shared/secrets/scrubber';
import type { Clock, Timer } from '../clock.ts';
import type { Output } from '../processes/output.ts';

/**
 * The few bytes that any word could begin with are held back this long at most: the last line of a quiet command is
 * seen whole soon enough, and no program takes so long between two letters of a secret.
 */
const HOLD_MS = 1000;

/** An output from which secrets are taken before anything is written. */
export class ScrubbedOutput implements Output {
  readonly #to: Output;
  readonly #scrubber: Scrubber;
  readonly #clock: Clock;
  readonly #streams = new Map<number, ScrubbedStream>();
  #timer: Timer | null = null;

  constructor(to: Output, scrubber: Scrubber, clock: Clock) {
    this.#to = to;
    this.#scrubber = scrubber;
    this.#clock = clock;
  }

  get congested(): boolean {
    return this.#to.congested;
  }

  whenRoom(callback: () => void): void {
    this.#to.whenRoom(callback);
  }

  write(stream: number, data: Uint8Array): void {
    // A line of ours is whole.
    if (stream === STREAM.header) {
      const whole = new ScrubbedStream(this.#scrubber);
      this.#pass(stream, Buffer.concat([whole.push(data), whole.end()]));
      return;
    }
    const scrubbed = this.#stream(stream);
    this.#pass(stream, scrubbed.push(data));
    if (scrubbed.holdsLittle) this.#timer ??= this.#clock.after(HOLD_MS, () => this.#passOnLittle());
  }

  /** Nothing more comes: writes what was held back. */
  end(): void {
    this.#timer?.cancel();
    this.#timer = null;
    for (const [stream, scrubbed] of this.#streams) this.#pass(stream, scrubbed.end());
  }

  #passOnLittle(): void {
    this.#timer = null;
    for (const [stream, scrubbed] of this.#streams) this.#pass(stream, scrubbed.passOnLittle());
  }

  #stream(stream: number): ScrubbedStream {
    let scrubbed = this.#streams.get(stream);
    if (scrubbed === undefined) {
      scrubbed = new ScrubbedStream(this.#scrubber);
      this.#streams.set(stream, scrubbed);
    }
    return scrubbed;
  }

  #pass(stream: number, data: Buffer): void {
    if (data.length > 0) this.#to.write(stream, data);
  }
}
