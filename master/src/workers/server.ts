import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { MAX_MESSAGE_BYTES, PROTOCOL_NAME, WORKER_NAME_HEADER, WORKER_SOCKET_PATH } from '@icefall/shared';
import { WebSocketServer } from 'ws';
import type { Certificate } from '../access/certificate.ts';
import { limitConnections } from '../access/connections.ts';
import { realClock } from '../engine/real.ts';
import type { Refusal } from './authentication.ts';
import { feed, socketWire } from './socket-wire.ts';
import { isConnectionFault, TransferError } from './transfers/errors.ts';
import { Transfers } from './transfers/transfers.ts';
import { certificateFault } from './worker-certificate.ts';
import type { Workers } from './workers.ts';

/** A transfer on which nothing moves for this long is given up; the worker's own limit is shorter. */
const TRANSFER_SILENCE_MS = 120_000;
/** Of a refused upload so much is still read, so that the worker has time to read why. */
const MAX_UNWANTED_BYTES = 64 * 1024 * 1024;
/** And for so long: who is refused does not keep the connection by sending it byte by byte. */
const UNWANTED_MS = 30_000;
/** Sockets at once, those of agents and of transfers: ten times the workers that a master is made for. */
const MAX_CONNECTIONS = 10_000;
/** Workers are given this long to answer the good-bye of a master that stops. */
const GOODBYE_MS = 2000;

export interface WorkerServer {
  readonly port: number;
  /** Stops listening, and ends every connection. Stop the workers first, or they are taken for absent. */
  close(): Promise<void>;
}

export interface WorkerServerOptions {
  readonly host: string;
  readonly port: number;
  /** Makes it TLS: workers connect by `wss://`. */
  readonly certificate?: Certificate | undefined;
}

/** The worker port could not be opened. */
class WorkerPortError extends Error {
  readonly code = 'worker_port';
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'WorkerPortError';
  }
}

/** Lets workers in: WebSockets for the agents, plain HTTP for files. Throws {@link WorkerPortError}. */
export async function startWorkerServer(
  workers: Workers,
  { host, port, certificate }: WorkerServerOptions,
): Promise<WorkerServer> {
  const transfers = new Transfers(workers);
  const gate = { workers, certificate };
  const take = (request: IncomingMessage, response: ServerResponse) => void answer(gate, transfers, request, response);
  const server = certificate === undefined ? createServer(take) : secureServer(certificate, take);
  // A file of many gigabytes takes as long as it takes; silence ends it.
  server.requestTimeout = 0;
  server.timeout = TRANSFER_SILENCE_MS;
  limitConnections(server, MAX_CONNECTIONS, () => workers.config.site.access);
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE_BYTES,
    perMessageDeflate: false,
    handleProtocols: () => PROTOCOL_NAME,
  });
  server.on('upgrade', (request, socket, head) => upgrade(gate, sockets, request, socket, head));
  await listen(server, host, port);
  return {
    port: (server.address() as AddressInfo).port,
    close: () => close(server, sockets, transfers),
  };
}

function secureServer(certificate: Certificate, take: RequestListener): Server {
  const server = createSecureServer(certificate.optionsOf('workers'), take);
  certificate.use(server, 'workers');
  return server;
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const where = `${host}:${port}`;
      const taken = `the port for workers, ${where}, is taken by another program; choose another with --worker-port`;
      const message = error.code === 'EADDRINUSE' ? taken : `cannot listen for workers on ${where}: ${error.message}`;
      reject(new WorkerPortError(message, { cause: error }));
    });
    server.listen(port, host, resolve);
  });
}

async function close(server: Server, sockets: WebSocketServer, transfers: Transfers): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  await transfers.stop();
  server.closeAllConnections();
  for (const socket of sockets.clients) socket.close(1001, 'the master stops');
  const late = realClock.after(GOODBYE_MS, () => {
    for (const socket of sockets.clients) socket.terminate();
  });
  await closed;
  late.cancel();
}

/** Who decides who is let in. */
interface Gate {
  readonly workers: Workers;
  readonly certificate: Certificate | undefined;
}

function refusalOf({ workers, certificate }: Gate, request: IncomingMessage): Refusal | { readonly name: string } {
  const header = request.headers[WORKER_NAME_HEADER];
  const name = typeof header === 'string' ? header : undefined;
  const { authorization } = request.headers;
  const address = request.socket.remoteAddress ?? 'unknown';
  const forwardedFor = request.headers['x-forwarded-for'];
  const told = Array.isArray(forwardedFor) ? forwardedFor.join(', ') : forwardedFor;
  const isAsked = certificate?.asksWorkers === true && name !== undefined;
  const fault = isAsked ? certificateFault(request.socket, name) : null;
  const shown = { name, authorization, address, forwardedFor: told, certificateFault: fault };
  const refusal = workers.authentication.check(shown);
  return refusal ?? { name: name ?? '' };
}

function upgrade(gate: Gate, sockets: WebSocketServer, request: IncomingMessage, socket: Duplex, head: Buffer): void {
  const { workers } = gate;
  const { log } = workers.core;
  socket.on('error', (error) => log.warn({ err: error }, 'a connection to the worker port failed'));
  const outcome = upgradeOutcome(gate, request);
  if ('status' in outcome) {
    const body = bodyOf(outcome);
    const headers = `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close`;
    socket.once('finish', () => socket.destroy());
    socket.end(`HTTP/1.1 ${outcome.status} Refused\r\n${headers}\r\n\r\n${body}`);
    return;
  }
  sockets.handleUpgrade(request, socket, head, (accepted) => {
    const session = workers.accept(outcome.name, socketWire(accepted, request.socket, log));
    feed(session, accepted, log);
  });
}

function upgradeOutcome(gate: Gate, request: IncomingMessage): Refusal | { readonly name: string } {
  if (urlOf(request).pathname !== WORKER_SOCKET_PATH) return notFound(request);
  const offered = String(request.headers['sec-websocket-protocol'] ?? '')
    .split(',')
    .map((name) => name.trim());
  if (offered.includes(PROTOCOL_NAME)) return refusalOf(gate, request);
  const message = `this master speaks ${PROTOCOL_NAME}, the worker offers ${JSON.stringify(offered.join(', ').slice(0, 200))}; use agent and master of one version`;
  return { status: 426, code: 'protocol', message };
}

async function answer(
  gate: Gate,
  transfers: Transfers,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = urlOf(request);
  request.on('error', () => {
    // Told by what reads the request; here only so that nothing is left unheard.
  });
  try {
    if (!Transfers.isTransfer(url)) {
      refuse(gate, request, response, notFound(request));
      return;
    }
    const outcome = refusalOf(gate, request);
    if ('status' in outcome) refuse(gate, request, response, outcome);
    else await transfers.handle(outcome.name, url, request, response);
  } catch (error) {
    failed(gate, request, response, error);
  }
}

function failed(gate: Gate, request: IncomingMessage, response: ServerResponse, error: unknown): void {
  const { log } = gate.workers.core;
  const transfer = { method: request.method, path: request.url?.slice(0, 100) };
  if (isConnectionFault(error)) log.info(transfer, 'a transfer broke off');
  else if (error instanceof TransferError) log.warn(transfer, `a transfer failed: ${error.message}`);
  else log.error({ ...transfer, err: error }, 'a transfer failed');
  if (response.headersSent || request.socket.destroyed) response.destroy();
  else if (error instanceof TransferError) refuse(gate, request, response, error);
  else refuse(gate, request, response, { status: 500, code: 'fault', message: 'the master failed; its log says why' });
}

/** Answers, and reads on for a while: a connection that is closed on what was not read takes the answer with it. */
function refuse({ workers }: Gate, request: IncomingMessage, response: ServerResponse, refusal: Refusal): void {
  response.writeHead(refusal.status, { 'content-type': 'application/json' }).end(bodyOf(refusal));
  const late = workers.core.clock.after(UNWANTED_MS, () => request.destroy());
  request.once('close', () => late.cancel());
  let unwanted = 0;
  request.on('data', (piece: Buffer) => {
    unwanted += piece.length;
    if (unwanted > MAX_UNWANTED_BYTES) request.destroy();
  });
  request.resume();
}

function bodyOf({ code, message }: Refusal): string {
  return JSON.stringify({ error: { code, message } });
}

function notFound(request: IncomingMessage): Refusal {
  const message = `this is the port for workers; there is nothing at ${(request.url ?? '').slice(0, 100)}`;
  return { status: 404, code: 'not_found', message };
}

function urlOf(request: IncomingMessage): URL {
  const path = request.url ?? '/';
  const base = 'http://worker-port';
  return URL.canParse(path, base) ? new URL(path, base) : new URL(base);
}
