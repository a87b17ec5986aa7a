import type { Clock } from '../clock.ts';
import type { Environment } from '../environment.ts';
import type { ProcessLeader } from '../journal/entry.ts';
import type { Limits } from './limits.ts';
import type { LogFileSpec } from './log-files.ts';
import type { Output } from './output.ts';
import type { PipePool } from './pipes.ts';

/** One process to run. */
export interface ProcessSpec {
  readonly argv: readonly [string, ...string[]];
  /** Absolute; exists. */
  readonly cwd: string;
  /** Complete, with the command's markers. */
  readonly env: Environment;
  /** Of a file to be read as standard input; null for none. */
  readonly stdinFd: number | null;
  readonly limits: Limits;
  readonly killGraceMs: number;
  readonly logFiles: readonly LogFileSpec[];
  /** Bytes of standard output, and of standard error, to keep as text. */
  readonly captureBytes: number;
  /** show: output goes to the log; hide: it is only captured. */
  readonly output: 'show' | 'hide';
}

/** What a process needs of the command it runs for. */
export interface ProcessHost {
  readonly clock: Clock;
  readonly pipes: PipePool;
  /** Part of the environment; the tree is found by it. */
  readonly markers: Environment;
  readonly output: Output;
  /** Aborted with a {@link Stop}. */
  readonly stop: AbortSignal;
  readonly onSpawn: (pid: number, leader: ProcessLeader | null) => void;
}

export interface ProcessEnd {
  readonly reason: 'exited' | 'idleTimeout' | 'maxTime' | 'maxLines' | 'interrupted' | 'lost' | 'refused';
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly error: { readonly code: string; readonly message: string } | null;
  /** The captured beginning. */
  readonly stdout: string;
  readonly stderr: string;
}
