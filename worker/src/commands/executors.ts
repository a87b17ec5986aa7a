import type { Command, CommandKind, CommandOf } from '@icefall/shared';
import { Failure } from '../failure.ts';
import { writeHeader } from '../processes/output.ts';
import type { CommandContext, CommandEnd, Executor } from './context.ts';
import { copyDirectory, makeDirectory, removeDirectory } from './directories.ts';
import { globPaths, readTextFile, stat } from './files.ts';
import { runGit } from './git/checkout.ts';
import { runShell } from './shell.ts';
import { fitIntoMessage } from './size.ts';
import { stopEnd } from './tools.ts';
import { download } from './transfers/download.ts';
import { upload } from './transfers/upload.ts';

/** All kinds of command there are. */
const EXECUTORS: { readonly [K in CommandKind]: Executor<K> } = {
  shell: runShell,
  git: runGit,
  upload,
  download,
  makeDirectory,
  removeDirectory,
  copyDirectory,
  stat,
  glob: globPaths,
  readFile: readTextFile,
};

/** Runs a command to its end. Does not throw: what went wrong is in the answer, and in the log. */
export async function execute(command: Command, context: CommandContext): Promise<CommandEnd> {
  try {
    return fitIntoMessage(stopEnd(context) ?? (await run(command.kind, command, context)));
  } catch (error) {
    if (error instanceof Failure) return failed(error);
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    writeHeader(context.output, `the worker made a mistake:\n${text}`);
    return failed(new Failure('internal', `the worker made a mistake: ${String(error)}`));
  }
}

/** The table and the command are of one kind: the compiler sees it through the type parameter. */
function run<K extends CommandKind>(kind: K, command: Command, context: CommandContext): Promise<CommandEnd> {
  return EXECUTORS[kind](command as CommandOf<K>, context);
}

function failed({ code, message }: Failure): CommandEnd {
  return { reason: 'exited', exitCode: 1, signal: null, error: { code, message }, values: {} };
}
