import { commandEnvironment, type Environment } from '../environment.ts';
import { runProcess, stoppedEnd } from '../processes/run.ts';
import type { ProcessEnd, ProcessSpec } from '../processes/spec.ts';
import { stopOf } from '../processes/stop.ts';
import type { CommandContext, CommandEnd } from './context.ts';

/** From TERM to KILL for the tools that the agent itself runs: none of them needs long to clean up. */
const TOOL_KILL_GRACE_MS = 5000;

interface ToolOptions {
  readonly cwd: string;
  readonly env?: Environment;
  readonly idleTimeoutMs?: number | null;
  /** In time of the clock's `monotonic`. */
  readonly deadlineMs?: number | null;
  readonly maxTimeMs?: number | null;
  readonly captureBytes?: number;
  readonly output?: ProcessSpec['output'];
}

/** Runs a tool for a command: with its markers, its stop, its log. */
export function runTool(
  context: CommandContext,
  argv: readonly [string, ...string[]],
  options: ToolOptions,
): Promise<ProcessEnd> {
  const { cwd, idleTimeoutMs = null, deadlineMs = null, maxTimeMs = null, captureBytes = 0, output = 'show' } = options;
  const env = options.env ?? toolEnvironment(context, cwd);
  const limits = { idleTimeoutMs, deadlineMs, maxTimeMs, maxLines: null };
  return runProcess(
    { argv, cwd, env, stdinFd: null, limits, killGraceMs: TOOL_KILL_GRACE_MS, logFiles: [], captureBytes, output },
    context,
  );
}

function toolEnvironment(context: CommandContext, cwd: string): Environment {
  return commandEnvironment({
    worker: context.workerEnvironment,
    overrides: {},
    workdir: cwd,
    markers: context.markers,
  });
}

/** Whether a process did what it was run for. */
export function didWell(end: ProcessEnd): boolean {
  return end.reason === 'exited' && end.exitCode === 0;
}

/** The end of a command whose last process ended so. */
export function endOf({ reason, exitCode, signal, error }: ProcessEnd): CommandEnd {
  return { reason, exitCode, signal, error, values: {} };
}

/** The end of the command where it was stopped between two of its steps; null where it was not. */
export function stopEnd(context: CommandContext): CommandEnd | null {
  const stop = stopOf(context.stop);
  return stop === null ? null : endOf(stoppedEnd(stop));
}
