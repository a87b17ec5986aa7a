import { connect, createServer, type Server, type Socket } from 'node:net';
import type { TestGround } from './ground.ts';
import { close, listen, portOf } from './ports.ts';

/** A wire that can be cut: passes connections on to a port of loopback. */
export class TcpProxy {
  readonly port: number;
  readonly #server: Server;
  readonly #sockets: Set<Socket>;

  private constructor(server: Server, sockets: Set<Socket>) {
    this.#server = server;
    this.#sockets = sockets;
    this.port = portOf(server);
  }

  /** `heard`: is given what clients send. */
  static async start(ground: TestGround, target: number, heard?: (piece: Buffer) => void): Promise<TcpProxy> {
    const sockets = new Set<Socket>();
    const server = await listen(
      0,
      createServer((socket) => {
        if (heard !== undefined) socket.on('data', heard);
        pass(socket, target, sockets);
      }),
    );
    const proxy = new TcpProxy(server, sockets);
    ground.atEnd(() => proxy.close());
    return proxy;
  }

  /** Cuts every connection and lets none in. */
  async cut(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await close(this.#server);
  }

  /** Lets connections in again. */
  async mend(): Promise<void> {
    await listen(this.port, this.#server);
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    if (this.#server.listening) await close(this.#server);
  }
}

function pass(socket: Socket, target: number, sockets: Set<Socket>): void {
  const other = connect(target, '127.0.0.1');
  for (const [one, two] of [
    [socket, other],
    [other, socket],
  ] as const) {
    sockets.add(one);
    one.pipe(two);
    one.on('error', () => two.destroy());
    one.on('close', () => {
      sockets.delete(one);
      two.destroy();
    });
  }
}
