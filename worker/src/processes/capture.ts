/** Of one stream; the outcome of a command travels in one message. */
export const CAPTURE_BYTES = 1024 * 1024;

/** Keeps the beginning of a stream as text. */
export class Capture {
  readonly #limitBytes: number;
  readonly #pieces: Buffer[] = [];
  #bytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** Copies what is still within the limit. */
  add(data: Uint8Array): void {
    const take = Math.min(data.length, this.#limitBytes - this.#bytes);
    if (take <= 0) return;
    this.#pieces.push(Buffer.from(data.subarray(0, take)));
    this.#bytes += take;
  }

  /** As UTF-8; a character that the limit cut in two is left out. */
  text(): string {
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(Buffer.concat(this.#pieces), {
      stream: this.#bytes === this.#limitBytes,
    });
  }
}
