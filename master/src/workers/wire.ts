/**
 * One connection to a worker's agent, as a session sees it. `server.ts` makes one of a WebSocket; a simulation brings
 * its own. What comes in is given to the session: `received`, `receivedFrame`, and `closed` once at the end.
 */
export interface Wire {
  /** Where the agent connects from, for people. */
  readonly peer: string;
  send(text: string): void;
  ping(): void;
  /** All bytes that ever came in, of whatever kind (pongs too): as long as it grows the agent lives. */
  receivedBytes(): number;
  /** Closes with a word; `closed` of the session follows when it is done. */
  close(code: number, reason: string): void;
  /** Ends it without a word. */
  terminate(): void;
}

/** Longest reason that a WebSocket's close frame takes (RFC 6455, 5.5: 125 bytes with the code). */
const LONGEST_REASON_BYTES = 123;

/** The beginning of a reason that fits a close frame. */
export function closeReason(text: string): string {
  let reason = text;
  while (Buffer.byteLength(reason) > LONGEST_REASON_BYTES) reason = reason.slice(0, -1);
  return reason;
}
