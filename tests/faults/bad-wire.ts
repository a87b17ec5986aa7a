import { connect, createServer, type Server, type Socket } from 'node:net';
import type { TestGround } from '../support/ground.ts';
import { close, listen, portOf } from '../support/ports.ts';

/** Which end of a wire: the worker's, or the master's. */
export type End = 'worker' | 'master';

/** Bytes of one direction: passed on, held, or late; always in order. */
class Pipe {
  readonly #to: Socket;
  readonly #wire: { latencyMs: () => number };
  readonly #held: Buffer[] = [];
  #holding = false;
  /** Chunks that still pass before it holds; none: it does not begin to. */
  #free = 0;
  #ended = false;
  #under: Promise<void> = Promise.resolve();

  constructor(to: Socket, wire: { latencyMs: () => number }) {
    this.#to = to;
    this.#wire = wire;
  }

  /** Chunks that wait for {@link release}. */
  get held(): number {
    return this.#held.length;
  }

  take(bytes: Buffer): void {
    if (this.#holding) this.#held.push(bytes);
    else this.#pass(bytes);
    this.#free -= 1;
    if (this.#free === 0) this.hold();
  }

  /** The sender is no more: so is the receiver's connection, once it has what is under way. */
  end(): void {
    this.#ended = true;
    if (!this.#holding) this.#under = this.#under.then(() => void this.#to.destroy());
  }

  /** Holds everything from now on, or after so many chunks more. */
  hold(after = 0): void {
    this.#free = after;
    if (after === 0) this.#holding = true;
  }

  release(): void {
    this.#holding = false;
    for (const bytes of this.#held.splice(0)) this.#pass(bytes);
    if (this.#ended) this.end();
  }

  #pass(bytes: Buffer): void {
    const late = this.#wire.latencyMs();
    const write = () => {
      if (!this.#to.destroyed) this.#to.write(bytes);
    };
    this.#under =
      late === 0
        ? this.#under.then(write)
        : this.#under.then(() => new Promise((done) => setTimeout(done, late))).then(write);
  }
}

/** One connection that goes through. */
export class Line {
  readonly up: Pipe;
  readonly down: Pipe;
  readonly #sockets: Record<End, Socket>;
  /** Nothing passes any more, and no end is told of the other. */
  #dead = false;

  constructor(near: Socket, far: Socket, wire: { latencyMs: () => number }) {
    this.#sockets = { worker: near, master: far };
    this.up = new Pipe(far, wire);
    this.down = new Pipe(near, wire);
    for (const [socket, pipe] of [
      [near, this.up],
      [far, this.down],
    ] as const) {
      socket.on('data', (bytes: Buffer) => {
        if (!this.#dead) pipe.take(bytes);
      });
      socket.on('error', () => undefined);
      socket.on('close', () => {
        if (!this.#dead) pipe.end();
      });
    }
  }

  /** Both ends are told at once. */
  cut(): void {
    this.#dead = true;
    this.#sockets.worker.destroy();
    this.#sockets.master.destroy();
  }

  /** One end is told that the connection is gone, the other hears nothing, ever. */
  halfOpen(gone: End): void {
    this.#dead = true;
    this.#sockets[gone].destroy();
  }

  /** The worker's end breaks; what it has sent may still come to the master. */
  breakAtWorker(): void {
    this.#sockets.worker.destroy();
  }
}

/** A wire from workers to their master on which all goes wrong that can go wrong with one. */
export class BadWire {
  readonly port: number;
  /** How late each chunk is passed on. */
  latencyMs: () => number = () => 0;
  /** Called with every new connection. */
  onLine: (line: Line) => void = () => undefined;
  readonly #server: Server;
  readonly #lines = new Set<Line>();
  #stalled = false;

  private constructor(server: Server) {
    this.#server = server;
    this.port = portOf(server);
  }

  static async start(ground: TestGround, target: number): Promise<BadWire> {
    const server = await listen(0, createServer());
    const wire = new BadWire(server);
    server.on('connection', (socket) => wire.#join(socket, target));
    ground.atEnd(() => wire.cut());
    return wire;
  }

  get lines(): readonly Line[] {
    return [...this.#lines];
  }

  /** Cuts every connection and lets none in. */
  async cut(): Promise<void> {
    for (const line of this.#lines) line.cut();
    if (this.#server.listening) await close(this.#server);
  }

  /** Lets connections in again. */
  async mend(): Promise<void> {
    await listen(this.port, this.#server);
  }

  /** Connections stay, new ones can be made; no byte comes through. */
  stall(): void {
    this.#stalled = true;
    for (const line of this.#lines) for (const pipe of [line.up, line.down]) pipe.hold();
  }

  /** What was held comes through, in order. */
  flow(): void {
    this.#stalled = false;
    for (const line of this.#lines) for (const pipe of [line.up, line.down]) pipe.release();
  }

  /** Every connection that there is loses one end, and the other is not told. */
  halfOpen(gone: End): void {
    for (const line of this.#lines) line.halfOpen(gone);
  }

  #join(near: Socket, target: number): void {
    const far = connect(target, '127.0.0.1');
    const line = new Line(near, far, { latencyMs: () => this.latencyMs() });
    this.#lines.add(line);
    let open = 2;
    for (const socket of [near, far])
      socket.once('close', () => {
        open -= 1;
        if (open === 0) this.#lines.delete(line);
      });
    if (this.#stalled) for (const pipe of [line.up, line.down]) pipe.hold();
    this.onLine(line);
  }
}
