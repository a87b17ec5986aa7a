import type { IncomingMessage } from 'node:http';
import { isIP, type Socket } from 'node:net';
import { MAX_MESSAGE_BYTES, PROTOCOL_NAME, WORKER_NAME_HEADER, WORKER_SOCKET_PATH } from '@icefall/shared';
import { WebSocket } from 'ws';
import { messageOf } from '../failure.ts';
import type { Tls } from './tls.ts';
import type { Dial, Wire, WireEnd, WireEvents } from './wire.ts';

/** A master that does not answer the request for a connection in this time is tried again. */
const HANDSHAKE_TIMEOUT_MS = 20_000;
/** Of the body of a refusal. */
const MAX_REFUSAL_BYTES = 16 * 1024;

interface MasterAddress {
  /** `ws://host:port` or `wss://…`, perhaps with a path, without a slash at the end. */
  readonly url: string;
  readonly workerName: string;
  readonly token: string;
  readonly tls: Tls;
}

/** Connects over the network. */
export function dialMaster(master: MasterAddress): Dial {
  return (events) => {
    const socket = new WebSocket(`${master.url}${WORKER_SOCKET_PATH}`, PROTOCOL_NAME, {
      headers: { authorization: `Bearer ${master.token}`, [WORKER_NAME_HEADER]: master.workerName },
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      maxPayload: MAX_MESSAGE_BYTES,
      perMessageDeflate: false,
      ...master.tls.options(),
      ...(needsMask(master.url) ? {} : { generateMask: (mask: Buffer) => mask.fill(0) }),
    });
    return attach(socket, events);
  };
}

/**
 * The mask keeps a proxy that takes the stream for plain HTTP from being fed with requests of somebody's choice
 * (RFC 6455, 10.3). Inside TLS and on this machine there is no such proxy, and the mask costs half the throughput.
 */
function needsMask(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  if (protocol === 'wss:' || hostname === 'localhost' || hostname === '[::1]') return false;
  return isIP(hostname) !== 4 || !hostname.startsWith('127.');
}

function attach(socket: WebSocket, events: WireEvents): Wire {
  let tcp: Socket | null = null;
  let refusal: WireEnd | null = null;
  let fault: string | null = null;
  socket.on('upgrade', (response) => {
    tcp = response.socket;
  });
  socket.on('open', events.onOpen);
  socket.on('message', (data: Buffer, isBinary) => {
    if (isBinary) events.onBytes(data.length);
    else events.onText(data.toString('utf8'));
  });
  socket.on('unexpected-response', (_request, response) => {
    void readRefusal(response).then((end) => {
      refusal = end;
      socket.terminate();
    });
  });
  socket.on('error', (error) => {
    fault ??= messageOf(error);
  });
  socket.on('close', (code, reason) => {
    if (refusal !== null) events.onEnd(refusal);
    else if (fault !== null) events.onEnd({ kind: 'failed', message: fault });
    else events.onEnd({ kind: 'closed', code, reason: reason.toString('utf8') });
  });
  return {
    sendText: (text, done) => socket.send(text, { binary: false }, whenSent(done)),
    sendBytes: (bytes, done) => socket.send(bytes, { binary: true }, whenSent(done)),
    bufferedBytes: () => socket.bufferedAmount,
    receivedBytes: () => tcp?.bytesRead ?? 0,
    ping: () => {
      if (socket.readyState === WebSocket.OPEN) socket.ping();
    },
    close: (code, reason) => socket.close(code, reason),
    terminate: () => socket.terminate(),
  };
}

/** What could not be sent is told by the end of the wire. */
function whenSent(done: (() => void) | undefined) {
  return (error?: Error | null) => {
    if (error === undefined || error === null) done?.();
  };
}

async function readRefusal(response: IncomingMessage): Promise<WireEnd> {
  let text = '';
  try {
    for await (const piece of response.setEncoding('utf8')) {
      text += String(piece);
      if (text.length > MAX_REFUSAL_BYTES) break;
    }
  } catch (error) {
    text ||= messageOf(error);
  }
  const status = response.statusCode ?? 0;
  return { kind: 'refused', status, message: refusalMessage(status, text) };
}

/**
 * The master answers `{ error: { code, message } }`; a proxy before it anything, as text for people or as a page. What
 * answers as if it were content with it is something else, most often the port of the page.
 */
export function refusalMessage(status: number, text: string): string {
  try {
    const { error } = JSON.parse(text) as { error?: { code?: unknown; message?: unknown } };
    if (typeof error?.message === 'string') return error.message;
  } catch {
    // Not JSON: shown as it is.
  }
  if (status < 400) return "what answers there is no port for workers (a master's is 9989 unless it was told another)";
  return /^\s*</.test(text) ? '' : text.trim().slice(0, 200);
}
