import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  type Command,
  type CommandOutcome,
  decodeOutputFrame,
  decodeRecords,
  decodeWorkerMessage,
  type Hello,
  type MasterMessage,
  PROTOCOL_MAJOR,
  PROTOCOL_MINOR,
  PROTOCOL_NAME,
  STREAM,
  WORKER_SOCKET_PATH,
  type WorkerMessage,
} from '@icefall/shared';
import { onTestFinished } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';

/** What the master has of one command. */
class Replica {
  bytes = Buffer.alloc(0);
  outcome: CommandOutcome | null = null;
  started: Extract<WorkerMessage, { kind: 'started' }> | null = null;

  text(...streams: readonly number[]): string {
    const records = [...decodeRecords(this.bytes)].filter(({ stream }) => streams.includes(stream));
    return Buffer.concat(records.map(({ data }) => data)).toString('utf8');
  }
}

type Awaited = { readonly look: () => boolean; readonly found: () => void };

/**
 * A master that keeps what a worker sends and is strict about it: output must come without gap, in whole records, and an
 * end only after all of it.
 */
export class FakeMaster {
  /** Acknowledge output as it comes. */
  acknowledges = true;
  /** Release finished commands as they come. */
  releases = true;
  /** What to answer instead of a WebSocket. */
  refusal: { readonly status: number; readonly body: string } | null = null;
  /** What to answer to hello for the commands that the worker holds. */
  decide: (hello: Hello) => Extract<MasterMessage, { kind: 'welcome' }>['commands'] = (hello) =>
    hello.commands.map(({ commandId, epoch }) => ({
      action: 'continue',
      commandId,
      epoch,
      offset: this.replica(commandId, epoch).bytes.length,
    }));
  /** Answers transfers. */
  onTransfer: (request: IncomingMessage, response: ServerResponse) => void = (_request, response) => {
    response.writeHead(404).end();
  };
  readonly hellos: Hello[] = [];
  readonly messages: WorkerMessage[] = [];
  /** What the worker did that it must not. */
  readonly faults: string[] = [];
  readonly upgradeHeaders: IncomingMessage['headers'][] = [];
  readonly #server: Server;
  readonly #replicas = new Map<string, Replica>();
  readonly #sockets = new Set<WebSocket>();
  #awaited: Awaited[] = [];

  private constructor(server: Server) {
    this.#server = server;
  }

  static async listen(port = 0): Promise<FakeMaster> {
    const server = createServer();
    const master = new FakeMaster(server);
    const sockets = new WebSocketServer({ noServer: true, handleProtocols: () => PROTOCOL_NAME });
    server.on('request', (request, response) => master.onTransfer(request, response));
    server.on('upgrade', (request, socket, head) => {
      master.upgradeHeaders.push(request.headers);
      if (master.refusal === null && request.url === WORKER_SOCKET_PATH) {
        sockets.handleUpgrade(request, socket, head, (accepted) => master.#accept(accepted));
        return;
      }
      const { status, body } = master.refusal ?? { status: 404, body: '' };
      socket.end(`HTTP/1.1 ${status} No\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`);
      master.#changed();
    });
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => master.close());
    return master;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `ws://127.0.0.1:${this.port}`;
  }

  replica(commandId: number, epoch = 1): Replica {
    const key = `${commandId}-${epoch}`;
    const known = this.#replicas.get(key) ?? new Replica();
    this.#replicas.set(key, known);
    return known;
  }

  /** The command's standard output so far. */
  stdout(commandId: number, epoch = 1): string {
    return this.replica(commandId, epoch).text(STREAM.stdout);
  }

  headers(commandId: number, epoch = 1): string {
    return this.replica(commandId, epoch).text(STREAM.header);
  }

  start(commandId: number, command: Command, rest: { epoch?: number; buildDirectory?: string } = {}): void {
    const { epoch = 1, buildDirectory = 'b' } = rest;
    this.send({ kind: 'start', commandId, epoch, buildDirectory, label: `test ${commandId}`, command });
  }

  send(message: MasterMessage): void {
    this.sendText(JSON.stringify(message));
  }

  sendText(text: string): void {
    for (const socket of this.#sockets) socket.send(text);
  }

  /** Resolves as soon as it is so; looked at after everything that comes from the worker. */
  until(look: () => boolean): Promise<void> {
    if (look()) return Promise.resolve();
    return new Promise((found) => this.#awaited.push({ look, found }));
  }

  async connected(times = 1): Promise<Hello> {
    await this.until(() => this.hellos.length >= times);
    return this.hellos[times - 1] as Hello;
  }

  async finished(commandId: number, epoch = 1): Promise<CommandOutcome> {
    const replica = this.replica(commandId, epoch);
    await this.until(() => replica.outcome !== null);
    return replica.outcome as CommandOutcome;
  }

  /** Runs a command to its end. */
  run(commandId: number, command: Command): Promise<CommandOutcome> {
    this.start(commandId, command);
    return this.finished(commandId);
  }

  /** Breaks every connection without a word. */
  cut(): void {
    for (const socket of this.#sockets) socket.terminate();
  }

  async close(): Promise<void> {
    this.cut();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(socket: WebSocket): void {
    this.#sockets.add(socket);
    socket.on('close', () => {
      this.#sockets.delete(socket);
      this.#changed();
    });
    socket.on('message', (data: Buffer, isBinary) => {
      if (isBinary) this.#output(socket, data);
      else this.#message(socket, decodeWorkerMessage(data.toString('utf8')));
      this.#changed();
    });
  }

  #message(socket: WebSocket, message: WorkerMessage): void {
    this.messages.push(message);
    if (message.kind === 'hello') {
      this.hellos.push(message);
      const protocol = { major: PROTOCOL_MAJOR, minor: PROTOCOL_MINOR };
      const commands = this.decide(message);
      socket.send(JSON.stringify({ kind: 'welcome', protocol, masterId: 'test', commands } satisfies MasterMessage));
    }
    if (message.kind === 'started') this.replica(message.commandId, message.epoch).started = message;
    if (message.kind === 'finished') this.#finished(message);
  }

  #finished(message: Extract<WorkerMessage, { kind: 'finished' }>): void {
    const { commandId, epoch, endOffset, outcome } = message;
    const replica = this.replica(commandId, epoch);
    if (replica.bytes.length !== endOffset)
      this.faults.push(`finished at ${endOffset}, but ${replica.bytes.length} bytes came`);
    replica.outcome = outcome;
    if (this.releases) this.send({ kind: 'release', commandId, epoch });
  }

  #output(socket: WebSocket, data: Buffer): void {
    const { commandId, epoch, offset, payload } = decodeOutputFrame(data);
    const replica = this.replica(commandId, epoch);
    if (offset !== replica.bytes.length) {
      this.faults.push(`output at ${offset}, but ${replica.bytes.length} bytes came before`);
      return;
    }
    replica.bytes = Buffer.concat([replica.bytes, payload]);
    if (!this.acknowledges) return;
    const acknowledged = { kind: 'ack', commandId, epoch, offset: replica.bytes.length } satisfies MasterMessage;
    socket.send(JSON.stringify(acknowledged));
  }

  #changed(): void {
    const awaited = this.#awaited;
    this.#awaited = [];
    for (const one of awaited) {
      if (one.look()) one.found();
      else this.#awaited.push(one);
    }
  }
}
