import type { CommandKind, CommandOf, CommandOutcome } from '@icefall/shared';
import type { Random } from '../clock.ts';
import type { Environment } from '../environment.ts';
import type { Tls } from '../link/tls.ts';
import type { ProcessHost } from '../processes/spec.ts';

/** Where files are sent to and fetched from: the master's worker port, by HTTP. */
export interface TransferTarget {
  /** `http://host:9989`, without a slash at the end. */
  readonly baseUrl: string;
  readonly workerName: string;
  readonly token: string;
  /** What is shown to a master that is reached by TLS. */
  readonly tls?: Tls;
}

/** What a command has to do its work with. */
export interface CommandContext extends ProcessHost {
  readonly commandId: number;
  readonly epoch: number;
  readonly random: Random;
  /** Absolute path of the directory that the agent works below; never to be removed by a command. */
  readonly baseDirectory: string;
  /** Absolute path of the build's directory. */
  readonly buildDirectory: string;
  /** A directory of the command's own, that goes when it is forgotten. */
  readonly scratchDirectory: string;
  /** What commands see of the worker's environment. */
  readonly workerEnvironment: Environment;
  readonly transfers: TransferTarget;
  /** The work has begun; with the process that does it where there is one. Only the first call counts. */
  readonly started: (pid: number | null) => void;
}

/** How an executor ended; the agent adds the times. */
export type CommandEnd = Omit<CommandOutcome, 'startedAt' | 'finishedAt'>;

/**
 * Runs one kind of command. It looks at `context.stop`, leaves nothing running, and throws a {@link Failure} for what
 * the world does wrong: the command then ends with exit code 1 and the failure as its error.
 */
export type Executor<K extends CommandKind> = (command: CommandOf<K>, context: CommandContext) => Promise<CommandEnd>;

/** The end of a command that did what it was asked. */
export function succeeded(values: CommandEnd['values'] = {}): CommandEnd {
  return { reason: 'exited', exitCode: 0, signal: null, error: null, values };
}

/** The end of a command that could not be begun. */
export function refused(error: { readonly code: string; readonly message: string }): CommandEnd {
  return { reason: 'refused', exitCode: null, signal: null, error, values: {} };
}
