/** One WebSocket, from the first packet to the last. */
export interface Wire {
  /** `done` is called once it has left, or never. */
  sendText(text: string, done?: () => void): void;
  sendBytes(bytes: Uint8Array, done?: () => void): void;
  /** Bytes that wait to leave. */
  bufferedBytes(): number;
  /** All bytes that ever came in, of whatever kind: as long as it grows the other side lives. */
  receivedBytes(): number;
  ping(): void;
  close(code: number, reason: string): void;
  /** Ends it without a word. */
  terminate(): void;
}

/** Why a wire is no more. */
export type WireEnd =
  /** The server answered, but not with a WebSocket. */
  | { readonly kind: 'refused'; readonly status: number; readonly message: string }
  /** There was no connection, or it broke. */
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'closed'; readonly code: number; readonly reason: string };

export interface WireEvents {
  readonly onOpen: () => void;
  readonly onText: (text: string) => void;
  readonly onBytes: (length: number) => void;
  /** Called once; nothing comes after it. */
  readonly onEnd: (end: WireEnd) => void;
}

/** Opens a wire to the master. */
export type Dial = (events: WireEvents) => Wire;
