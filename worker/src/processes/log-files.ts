import { type FileHandle, open, stat } from 'node:fs/promises';
import { STREAM } from '@icefall/shared';
import { type Clock, pause } from '../clock.ts';
import { systemCode } from '../failure.ts';
import type { Output } from './output.ts';

/** How late a line in a log file may come; looking costs two system calls a file. */
export const LOG_POLL_MS = 500;
const READ_BYTES = 64 * 1024;

export interface LogFileSpec {
  /** Absolute. */
  readonly path: string;
  /** Begin at the present end of the file. */
  readonly follow: boolean;
}

interface OpenFile {
  readonly handle: FileHandle;
  readonly inode: number;
  readonly device: number;
  position: number;
}

/** One file as `tail -F` would follow it: it may appear late, be cut off and begun anew, or be replaced by another. */
class LogFile {
  readonly #path: string;
  readonly #stream: number;
  #skipToEnd: boolean;
  #open: OpenFile | null = null;

  constructor(path: string, stream: number, follow: boolean) {
    this.#path = path;
    this.#stream = stream;
    this.#skipToEnd = follow;
  }

  /** Passes on what is new. Stops early where `output` is congested, unless told to read on. */
  async poll(output: Output, onData: () => void, patient: AbortSignal | null): Promise<void> {
    const current = await statOrNull(this.#path);
    if (this.#open !== null && (current === null || isOther(current, this.#open))) {
      await this.#readOn(this.#open, output, onData, patient);
      if (output.congested && patient === null) return;
      await this.close();
    }
    if (current?.isFile()) {
      this.#open ??= await this.#begin();
      if (this.#open !== null && current.size < this.#open.position) this.#open.position = 0;
    }
    this.#skipToEnd = false;
    if (this.#open !== null) await this.#readOn(this.#open, output, onData, patient);
  }

  async close(): Promise<void> {
    await this.#open?.handle.close();
    this.#open = null;
  }

  async #begin(): Promise<OpenFile | null> {
    let handle: FileHandle;
    try {
      handle = await open(this.#path, 'r');
    } catch (error) {
      // Gone again, or not ours to read yet: looked at again at the next poll.
      if (systemCode(error) !== undefined) return null;
      throw error;
    }
    const { ino, dev, size } = await handle.stat();
    return { handle, inode: ino, device: dev, position: this.#skipToEnd ? size : 0 };
  }

  async #readOn(file: OpenFile, output: Output, onData: () => void, patient: AbortSignal | null): Promise<void> {
    const buffer = Buffer.allocUnsafe(READ_BYTES);
    for (;;) {
      if (output.congested && !(await waitForRoom(output, patient))) return;
      const { bytesRead } = await file.handle.read(buffer, 0, buffer.length, file.position);
      if (bytesRead === 0) return;
      file.position += bytesRead;
      output.write(this.#stream, buffer.subarray(0, bytesRead));
      onData();
    }
  }
}

/** False where there is none and nobody is to wait for it. */
async function waitForRoom(output: Output, patient: AbortSignal | null): Promise<boolean> {
  if (patient === null || patient.aborted) return false;
  await new Promise<void>((resolve) => {
    const go = () => {
      patient.removeEventListener('abort', go);
      resolve();
    };
    patient.addEventListener('abort', go);
    output.whenRoom(go);
  });
  return !patient.aborted;
}

function isOther(current: { readonly ino: number; readonly dev: number }, file: OpenFile): boolean {
  return current.ino !== file.inode || current.dev !== file.device;
}

async function statOrNull(path: string) {
  try {
    return await stat(path);
  } catch (error) {
    if (systemCode(error) !== undefined) return null;
    throw error;
  }
}

/** Follows the extra log files of a command while it runs. */
export class LogFollower {
  readonly #files: readonly LogFile[];
  readonly #output: Output;
  readonly #clock: Clock;
  readonly #onData: () => void;
  readonly #ended = new AbortController();
  #running: Promise<void> = Promise.resolve();

  private constructor(files: readonly LogFileSpec[], output: Output, clock: Clock, onData: () => void) {
    this.#files = files.map(({ path, follow }, index) => new LogFile(path, STREAM.firstLogFile + index, follow));
    this.#output = output;
    this.#clock = clock;
    this.#onData = onData;
  }

  /** Looks at each file once, so that "the present end" is the one before the command was started. */
  static async begin(
    files: readonly LogFileSpec[],
    output: Output,
    clock: Clock,
    onData: () => void,
  ): Promise<LogFollower> {
    const follower = new LogFollower(files, output, clock, onData);
    if (files.length === 0) return follower;
    await follower.#pollAll(null);
    follower.#running = follower.#pollUntilEnded();
    return follower;
  }

  /** The command has ended: reads each file to its end, waiting for room in the journal unless `stop` is aborted. */
  async finish(stop: AbortSignal): Promise<void> {
    this.#ended.abort('ended');
    await this.#running;
    await this.#pollAll(stop);
    for (const file of this.#files) await file.close();
  }

  async #pollUntilEnded(): Promise<void> {
    while (!this.#ended.signal.aborted) {
      await pause(this.#clock, LOG_POLL_MS, this.#ended.signal);
      if (!this.#ended.signal.aborted) await this.#pollAll(null);
    }
  }

  async #pollAll(patient: AbortSignal | null): Promise<void> {
    for (const file of this.#files) await file.poll(this.#output, this.#onData, patient);
  }
}
