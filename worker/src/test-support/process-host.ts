import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { STREAM } from '@icefall/shared';
import { realClock } from '../clock.ts';
import type { Environment } from '../environment.ts';
import { PipePool } from '../processes/pipes.ts';
import { findProcesses } from '../processes/proc.ts';
import type { ProcessHost, ProcessSpec } from '../processes/spec.ts';
import { Stop } from '../processes/stop.ts';
import { temporaryDirectory } from './directories.ts';

/** Output that is kept, and can be made to have no room. */
export class KeptOutput {
  readonly pieces: { readonly stream: number; readonly data: Buffer }[] = [];
  #congested = false;
  #waiting: (() => void)[] = [];
  #watchers: (() => void)[] = [];

  write(stream: number, data: Uint8Array): void {
    this.pieces.push({ stream, data: Buffer.from(data) });
    for (const look of [...this.#watchers]) look();
  }

  get congested(): boolean {
    return this.#congested;
  }

  set congested(congested: boolean) {
    this.#congested = congested;
    if (!congested) for (const tell of this.#waiting.splice(0)) tell();
  }

  whenRoom(callback: () => void): void {
    if (this.#congested) this.#waiting.push(callback);
    else callback();
  }

  text(stream: number = STREAM.stdout): string {
    return Buffer.concat(this.pieces.filter((piece) => piece.stream === stream).map(({ data }) => data)).toString();
  }

  get headers(): string {
    return this.text(STREAM.header);
  }

  /** Resolves when the stream holds the text. */
  async shows(text: string, stream: number = STREAM.stdout): Promise<void> {
    if (this.text(stream).includes(text)) return;
    await new Promise<void>((resolve) => {
      const look = () => {
        if (!this.text(stream).includes(text)) return;
        this.#watchers = this.#watchers.filter((watcher) => watcher !== look);
        resolve();
      };
      this.#watchers.push(look);
    });
  }
}

export interface TestHost {
  readonly host: ProcessHost;
  readonly output: KeptOutput;
  readonly directory: string;
  readonly spawned: number[];
  stop(rest?: Partial<Stop>): void;
  /** Processes of the command that live. */
  living(): { readonly pid: number; readonly name: string }[];
}

/** What a process needs, with a marker that no other test has. */
export async function testHost(rest: Partial<ProcessHost> = {}): Promise<TestHost> {
  const directory = await temporaryDirectory();
  const output = new KeptOutput();
  const markers: Environment = { ICEFALL_COMMAND: '1-1', ICEFALL_STORE: randomUUID() };
  const stopper = new AbortController();
  const spawned: number[] = [];
  const host: ProcessHost = {
    clock: realClock,
    pipes: await PipePool.open(join(directory, 'pipes')),
    markers,
    output,
    stop: stopper.signal,
    onSpawn: (pid) => spawned.push(pid),
    ...rest,
  };
  return {
    ...{ host, output, directory, spawned },
    stop: (stop) =>
      stopper.abort(
        new Stop({ reason: 'interrupted', code: 'interrupted', message: 'asked to', longestGraceMs: null, ...stop }),
      ),
    living: () => findProcesses({ group: spawned.at(-1) ?? null, markers, notBeforeTicks: 0 }),
  };
}

/** A line of shell with defaults for what a test does not care about. */
export function specOf({ host, directory }: TestHost, line: string, rest: Partial<ProcessSpec> = {}): ProcessSpec {
  return {
    argv: ['/bin/sh', '-c', line],
    cwd: directory,
    env: { PATH: process.env.PATH ?? '', ...host.markers },
    stdinFd: null,
    limits: { idleTimeoutMs: null, deadlineMs: null, maxTimeMs: null, maxLines: null },
    killGraceMs: 5000,
    logFiles: [],
    captureBytes: 0,
    output: 'show',
    ...rest,
  };
}
