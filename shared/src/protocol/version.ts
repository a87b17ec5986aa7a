/**
 * Version of the protocol between master and worker. A peer with another major version is refused; one minor version
 * older or newer works, because unknown fields are ignored.
 */
export const PROTOCOL_MAJOR = 1;
export const PROTOCOL_MINOR = 1;
/** The first minor version whose workers take secrets; see {@link SecretUse}. */
export const SECRETS_MINOR = 1;
/** WebSocket sub-protocol name that both sides offer and require. */
export const PROTOCOL_NAME = `icefall-worker.v${PROTOCOL_MAJOR}`;

/**
 * Largest WebSocket message either side accepts. A `finished` message with two captured streams of 1 MiB fits, as long
 * as few of their characters are escaped in JSON; what does not fit is cut by the sender.
 */
export const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;
/** Largest payload of one output frame: large enough to amortise the header, small enough to interleave commands. */
export const MAX_FRAME_PAYLOAD_BYTES = 256 * 1024;
/** Output a worker may have in flight for one command before the master has acknowledged it. */
export const SEND_WINDOW_BYTES = 4 * 1024 * 1024;
/** Both sides ping this often; half an hour of silence in a proxy is never reached. */
export const PING_INTERVAL_MS = 10_000;
/** A peer that has not answered for this long is taken for dead. Above two pings, so that one lost ping is not a death. */
export const PEER_DEAD_MS = 25_000;
