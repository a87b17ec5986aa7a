/** One event of a server-sent event stream. */
export interface SseEvent {
  readonly id: string | null;
  /** `message` where the stream names none. */
  readonly event: string;
  readonly data: string;
}

/** Longest event that is taken: a page of log lines is far below. */
const MAX_EVENT_CHARACTERS = 32 * 1024 * 1024;

/**
 * Makes events of the pieces in which a stream arrives (WHATWG's "event stream interpretation"). A line may be cut
 * anywhere between two pieces; what no blank line ended is no event.
 */
export class SseParser {
  #rest = '';
  #id: string | null = null;
  #event = '';
  #data: string[] = [];
  #size = 0;

  /** The events that this piece completes. Throws for one that is longer than any of ours. */
  push(piece: string): SseEvent[] {
    const text = this.#rest + piece;
    // A CR at the end may be half of a CRLF.
    const lines = text.split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() ?? '';
    if (this.#rest.length + this.#size > MAX_EVENT_CHARACTERS)
      throw new Error(`the master sent an event of more than ${MAX_EVENT_CHARACTERS} characters`);
    return lines.flatMap((line) => this.#line(line) ?? []);
  }

  #line(line: string): SseEvent | null {
    if (line === '') return this.#dispatch();
    const colon = line.indexOf(':');
    const name = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (name === 'data') {
      this.#data.push(value);
      this.#size += value.length;
    } else if (name === 'event') this.#event = value;
    else if (name === 'id') this.#id = value;
    return null;
  }

  #dispatch(): SseEvent | null {
    const event: SseEvent = { id: this.#id, event: this.#event || 'message', data: this.#data.join('\n') };
    const isEmpty = this.#data.length === 0;
    this.#event = '';
    this.#data = [];
    this.#size = 0;
    return isEmpty && event.event === 'message' ? null : event;
  }
}
