import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import type { Logger } from '../engine/ports.ts';
import type { Session } from './session.ts';
import type { Wire } from './wire.ts';

/**
 * What may wait to leave on one connection: several of the largest messages. A worker that does not read as much is cut
 * off; it is told all of it again when it is back.
 */
const MAX_UNSENT_BYTES = 16 * 1024 * 1024;

/** A WebSocket as a wire. */
export function socketWire(socket: WebSocket, tcp: Socket, log: Logger): Wire {
  const peer = tcp.remoteAddress ?? 'unknown';
  return {
    peer,
    send(text) {
      if (socket.bufferedAmount > MAX_UNSENT_BYTES) {
        log.warn({ peer, unsent: socket.bufferedAmount }, 'a worker does not read what it is sent; it is cut off');
        socket.terminate();
      } else if (socket.readyState === socket.OPEN) socket.send(text);
    },
    ping() {
      if (socket.readyState === socket.OPEN) socket.ping();
    },
    receivedBytes: () => tcp.bytesRead,
    close: (code, reason) => socket.close(code, reason),
    terminate: () => socket.terminate(),
  };
}

/** Gives a session what comes in on its socket. */
export function feed(session: Session, socket: WebSocket, log: Logger): void {
  socket.on('message', (data, isBinary) => {
    // `binaryType` is "nodebuffer": data is one Buffer.
    if (!Buffer.isBuffer(data)) return;
    if (isBinary) session.receivedFrame(data);
    else session.received(data.toString('utf8'));
  });
  socket.on('error', (error) => log.warn({ worker: session.name, err: error }, 'the connection to a worker failed'));
  socket.on('close', () => session.closed());
}
