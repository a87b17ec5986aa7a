import { STREAM } from '@icefall/shared';
import { Capture } from './capture.ts';
import type { LimitWatch } from './limits.ts';
import type { OutputPipe } from './pipes.ts';
import type { ProcessHost, ProcessSpec } from './spec.ts';

/** Output that some stranger to the command still holds open after its tree has ended is read this long, then closed. */
const PIPE_GRACE_MS = 2000;
/** What the pipe of a dead process can still hold at most (the system's pipe-max-size): it is read even where there is no room. */
const LAST_BYTES = 1024 * 1024;

/** Reads what one process writes: counts it, keeps the beginning, writes it to the log, waits where there is no room. */
export class OutputReader {
  readonly stdout: Capture;
  readonly stderr: Capture;
  readonly #spec: ProcessSpec;
  readonly #host: ProcessHost;
  readonly #pipes: { readonly stdout: OutputPipe; readonly stderr: OutputPipe };
  readonly #limits: LimitWatch;
  /** Bytes that may still be read without room for them. */
  #lastBytes = 0;

  private constructor(
    spec: ProcessSpec,
    host: ProcessHost,
    limits: LimitWatch,
    pipes: { stdout: OutputPipe; stderr: OutputPipe },
  ) {
    this.#spec = spec;
    this.#host = host;
    this.#limits = limits;
    this.#pipes = pipes;
    this.stdout = new Capture(spec.captureBytes);
    this.stderr = new Capture(spec.captureBytes);
  }

  static async open(spec: ProcessSpec, host: ProcessHost, limits: LimitWatch): Promise<OutputReader> {
    const pipes = { stdout: await host.pipes.acquire(), stderr: await host.pipes.acquire() };
    return new OutputReader(spec, host, limits, pipes);
  }

  /** The ends for the process. */
  get writeFds(): [number, number] {
    return [this.#pipes.stdout.writeFd, this.#pipes.stderr.writeFd];
  }

  /** To be called once the process has its ends. */
  begin(): void {
    this.#read(this.#pipes.stdout, STREAM.stdout, this.stdout);
    this.#read(this.#pipes.stderr, STREAM.stderr, this.stderr);
  }

  /** The process and its tree are dead: reads what is left in the pipes, but not for ever. */
  async drain(): Promise<void> {
    const { stdout, stderr } = this.#pipes;
    this.#lastBytes = 2 * LAST_BYTES;
    stdout.resume();
    stderr.resume();
    await new Promise<void>((resolve) => {
      const timer = this.#host.clock.after(PIPE_GRACE_MS, resolve);
      void Promise.all([stdout.closed, stderr.closed]).then(() => {
        timer.cancel();
        resolve();
      });
    });
  }

  close(): void {
    this.#pipes.stdout.destroy();
    this.#pipes.stderr.destroy();
  }

  #read(pipe: OutputPipe, stream: number, capture: Capture): void {
    pipe.closeWriter();
    pipe.read((chunk) => {
      this.#take(stream, chunk, capture);
      if (!this.#host.output.congested) return true;
      if (this.#lastBytes > 0) {
        this.#lastBytes -= chunk.length;
        return true;
      }
      this.#limits.holdUp();
      this.#host.output.whenRoom(() => {
        this.#limits.goOn();
        pipe.resume();
      });
      return false;
    });
  }

  #take(stream: number, chunk: Uint8Array, capture: Capture): void {
    this.#limits.sign();
    const data = this.#limits.withinLines(chunk);
    capture.add(data);
    if (this.#spec.output === 'show' && data.length > 0) this.#host.output.write(stream, data);
  }
}
