/** What the command tells the shell. */
export const EXIT = {
  ok: 0,
  /** What was asked for failed: a build that is not green, a configuration with mistakes. */
  failed: 1,
  /** The command line, or a value in it, is wrong. */
  usage: 2,
  /** No master answers. */
  unreachable: 3,
  /** The master's storage is damaged, full or locked: starting again does not help by itself. */
  storage: 4,
  /** Ended by the person (Ctrl-C), as shells count it. */
  interrupted: 130,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Ends the command with a message for people and an exit code. */
export class CliError extends Error {
  readonly exitCode: ExitCode;
  constructor(exitCode: ExitCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CliError';
    this.exitCode = exitCode;
  }
}

/** The command line, or a value in it, is wrong. */
export function usageError(message: string): CliError {
  return new CliError(EXIT.usage, message);
}
