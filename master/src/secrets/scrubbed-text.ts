import { ScrubbedStream, type Scrubber } from '@icefall/shared/secrets/scrubber';

/** What a program on the master writes, as text and without secrets, whatever the pieces in which it comes. */
export class ScrubbedText {
  readonly #stream: ScrubbedStream | null;
  readonly #decoder = new TextDecoder();

  /** `scrubber` is null where no secret has ever come near the program. */
  constructor(scrubber: Scrubber | null) {
    this.#stream = scrubber === null ? null : new ScrubbedStream(scrubber);
  }

  /** What can be shown now. */
  push(bytes: Uint8Array): string {
    return this.#decoder.decode(this.#stream?.push(bytes) ?? bytes, { stream: true });
  }

  /** Nothing more comes: the rest. */
  end(): string {
    return this.#decoder.decode(this.#stream?.end());
  }
}
