import { spawn } from 'node:child_process';
import { closeSync, constants, openSync, unlinkSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { Failure, messageOf } from '../failure.ts';

/** What Linux gives from a pipe at once. */
const READ_BYTES = 64 * 1024;
/** Two for each of four commands: made in one go. */
const BATCH = 8;

interface Slot {
  readonly path: string;
  readonly buffer: Buffer;
}

/**
 * Pipes for the output of commands. Node connects a child by sockets, and a socket cannot be opened by name: the
 * `echo … > /dev/stderr` of every second build script would fail. A FIFO is a true pipe; each is used again and again.
 */
export class PipePool {
  readonly #directory: string;
  #free: Slot[] = [];
  #made = 0;
  #making: Promise<void> | null = null;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  /** Empties the directory. Throws {@link Failure} `no_pipes` where FIFOs cannot be made in it. */
  static async open(directory: string): Promise<PipePool> {
    await rm(directory, { recursive: true, force: true });
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const pool = new PipePool(directory);
    await pool.#make();
    return pool;
  }

  /** A pipe of which both ends are open. */
  async acquire(): Promise<OutputPipe> {
    for (;;) {
      const slot = this.#free.pop();
      if (slot !== undefined) return this.#openPipe(slot);
      this.#making ??= this.#make().finally(() => {
        this.#making = null;
      });
      await this.#making;
    }
  }

  #openPipe(slot: Slot): OutputPipe {
    const readFd = openSync(slot.path, constants.O_RDONLY | constants.O_NONBLOCK);
    const writeFd = openSync(slot.path, constants.O_WRONLY);
    return new OutputPipe(readFd, writeFd, slot.buffer, (atEnd) => {
      // Somebody may still hold the other end of a pipe that was given up: it must not become another command's.
      if (atEnd) this.#free.push(slot);
      else unlinkSync(slot.path);
    });
  }

  async #make(): Promise<void> {
    const paths = Array.from({ length: BATCH }, (_, index) => join(this.#directory, String(this.#made + index)));
    this.#made += BATCH;
    await mkfifo(paths);
    this.#free.push(...paths.map((path) => ({ path, buffer: Buffer.allocUnsafeSlow(READ_BYTES) })));
  }
}

function mkfifo(paths: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (why: string) =>
      reject(new Failure('no_pipes', `cannot make pipes with mkfifo: ${why}; the worker needs mkfifo (coreutils)`));
    const child = spawn('mkfifo', ['-m', '600', ...paths], { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    child.on('error', (error) => fail(messageOf(error)));
    child.on('close', (code) => (code === 0 ? resolve() : fail(said.trim() || `exit code ${code}`)));
  });
}

/** The reading end of a command's output, and the writing end until the command has it. */
export class OutputPipe {
  readonly writeFd: number;
  /** Resolves when all writers have closed, or the pipe was given up. */
  readonly closed: Promise<void>;
  readonly #readFd: number;
  readonly #buffer: Buffer;
  readonly #done: (atEnd: boolean) => void;
  #resolveClosed: () => void = () => {};
  #socket: Socket | null = null;
  #writerOpen = true;
  #atEnd = false;

  constructor(readFd: number, writeFd: number, buffer: Buffer, done: (atEnd: boolean) => void) {
    this.#readFd = readFd;
    this.writeFd = writeFd;
    this.#buffer = buffer;
    this.#done = done;
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
  }

  /** To be called once the command has its copy. */
  closeWriter(): void {
    if (this.#writerOpen) closeSync(this.writeFd);
    this.#writerOpen = false;
  }

  /** Begins reading. The data is valid during the call only; where it returns false, nothing comes until `resume`. */
  read(onData: (data: Uint8Array) => boolean): void {
    const socket = new Socket({
      fd: this.#readFd,
      readable: true,
      writable: false,
      onread: { buffer: this.#buffer, callback: (bytes, buffer) => onData(buffer.subarray(0, bytes)) },
    });
    this.#socket = socket;
    socket.on('end', () => {
      this.#atEnd = true;
    });
    // A pipe has no errors that matter: what can be read was read, and it closes.
    socket.on('error', () => {});
    socket.on('close', () => this.#finish());
  }

  resume(): void {
    this.#socket?.resume();
  }

  /** Gives the pipe up, whoever may still hold it. */
  destroy(): void {
    this.closeWriter();
    if (this.#socket !== null) {
      this.#socket.destroy();
      return;
    }
    closeSync(this.#readFd);
    this.#atEnd = true;
    this.#finish();
  }

  #finish(): void {
    this.#done(this.#atEnd);
    this.#resolveClosed();
  }
}
