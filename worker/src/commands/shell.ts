import { open, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MAX_LOG_FILES, type ShellCommand } from '@icefall/shared';
import { commandEnvironment } from '../environment.ts';
import { Failure } from '../failure.ts';
import { CAPTURE_BYTES } from '../processes/capture.ts';
import { runProcess } from '../processes/run.ts';
import type { ProcessEnd, ProcessSpec } from '../processes/spec.ts';
import { type CommandContext, type CommandEnd, type Executor, refused } from './context.ts';
import { makeUsable, resolvePath } from './paths.ts';
import { commandLine, reportBeginning } from './report.ts';

/** Runs a program, or a line of shell. */
export const runShell: Executor<'shell'> = async (command, context) => {
  try {
    return await run(command, context);
  } catch (error) {
    if (error instanceof Failure) return refused({ code: error.code, message: error.message });
    throw error;
  }
};

async function run(command: ShellCommand, context: CommandContext): Promise<CommandEnd> {
  const cwd = resolvePath(context, command.workdir);
  const argv = argvOf(command);
  const line = typeof command.command === 'string' ? command.command : commandLine(command.command);
  reportBeginning(context, { line, directory: cwd, limits: command });
  if (command.logFiles.length > MAX_LOG_FILES)
    throw new Failure(
      'too_many_log_files',
      `${command.logFiles.length} log files are more than the ${MAX_LOG_FILES} a command can have`,
    );
  await makeUsable(cwd);
  const stdinFile = command.stdin === null ? null : await openStdin(context, command.stdin);
  try {
    const end = await runProcess(specOf(command, context, { argv, cwd, stdinFd: stdinFile?.fd ?? null }), context);
    return commandEnd(command, end);
  } finally {
    await stdinFile?.close();
  }
}

function argvOf({ command }: ShellCommand): [string, ...string[]] {
  if (typeof command === 'string') return ['/bin/sh', '-c', command];
  const [program = '', ...rest] = command;
  return [program, ...rest];
}

interface Place {
  readonly argv: [string, ...string[]];
  readonly cwd: string;
  readonly stdinFd: number | null;
}

function specOf(command: ShellCommand, context: CommandContext, place: Place): ProcessSpec {
  const { idleTimeoutMs, maxTimeMs, maxLines, killGraceMs } = command;
  return {
    ...place,
    env: commandEnvironment({
      worker: context.workerEnvironment,
      overrides: command.env,
      workdir: place.cwd,
      markers: context.markers,
    }),
    limits: {
      idleTimeoutMs,
      deadlineMs: maxTimeMs === null ? null : context.clock.monotonic() + maxTimeMs,
      maxTimeMs,
      maxLines,
    },
    killGraceMs,
    logFiles: command.logFiles.map(({ path, follow }) => ({ path: resolvePath(context, place.cwd, path), follow })),
    captureBytes: command.capture ? CAPTURE_BYTES : 0,
    output: 'show',
  };
}

/**
 * Standard input comes from a file that has lost its name: as large as it may be, nobody has to feed it, and
 * `/dev/stdin` can be opened.
 */
async function openStdin(context: CommandContext, text: string) {
  const path = join(context.scratchDirectory, 'stdin');
  await writeFile(path, text, { mode: 0o600 });
  const file = await open(path, 'r');
  await unlink(path);
  return file;
}

function commandEnd(command: ShellCommand, end: ProcessEnd): CommandEnd {
  const { stdout, stderr, ...rest } = end;
  return { ...rest, values: command.capture ? { stdout, stderr } : {} };
}
