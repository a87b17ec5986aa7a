import { dirname } from 'node:path';
import { formatDuration, type GitCommand } from '@icefall/shared';
import { pause } from '../../clock.ts';
import { commandEnvironment } from '../../environment.ts';
import { writeHeader } from '../../processes/output.ts';
import { stoppedEnd } from '../../processes/run.ts';
import type { ProcessEnd } from '../../processes/spec.ts';
import { stopOf } from '../../processes/stop.ts';
import type { CommandContext } from '../context.ts';
import { commandLine } from '../report.ts';
import { didWell, runTool } from '../tools.ts';
import { copyTree, removeTrees } from '../trees.ts';
import { ALLOWED_PROTOCOLS, isLocalRepository, REMOTE_PROTOCOLS, withoutCredentials } from './source.ts';

/** Answers of Git that we read ourselves. */
const ANSWER_BYTES = 64 * 1024;

/** A process of the checkout did not do well. */
export class GitFailure extends Error {
  readonly end: ProcessEnd;
  constructor(end: ProcessEnd, message: string) {
    super(message);
    this.name = 'GitFailure';
    this.end = end;
  }

  /** False where it was ended by a limit or on request: then nothing is tried again. */
  get byItself(): boolean {
    return this.end.reason === 'exited';
  }
}

/** Runs Git for one command: one environment, one configuration, one time limit for all its processes. */
export class Git {
  readonly #command: GitCommand;
  readonly #context: CommandContext;
  readonly #deadlineMs: number | null;

  constructor(command: GitCommand, context: CommandContext) {
    this.#command = command;
    this.#context = context;
    this.#deadlineMs = command.maxTimeMs === null ? null : context.clock.monotonic() + command.maxTimeMs;
  }

  /** Runs it and shows it in the log. Throws {@link GitFailure} where it does not do well. */
  async run(directory: string, ...args: readonly string[]): Promise<void> {
    const end = await this.attempt(directory, ...args);
    if (!didWell(end)) throw new GitFailure(end, `git ${args[0]} failed`);
  }

  /** The same, but leaves it to the caller what an exit code means. Throws where it was ended. */
  async attempt(directory: string, ...args: readonly string[]): Promise<ProcessEnd> {
    this.say(withoutCredentials(`git ${commandLine(args)}`));
    return notEnded(await this.#process(directory, args, 'show'));
  }

  /** What it answers, without showing it; null where it does not do well. */
  async answer(directory: string, ...args: readonly string[]): Promise<string | null> {
    const end = notEnded(await this.#process(directory, args, 'hide'));
    return didWell(end) ? end.stdout.trim() : null;
  }

  /** Removes a tree. Throws {@link GitFailure}. */
  async remove(path: string): Promise<void> {
    const end = await removeTrees(this.#context, [path], this.#limits());
    if (!didWell(end)) throw new GitFailure(end, `cannot remove ${path}`);
  }

  /** Copies a tree. Throws {@link GitFailure}. */
  async copy(from: string, to: string): Promise<void> {
    this.say(`copy ${from} to ${to}`);
    const end = await copyTree(this.#context, { from, to }, this.#limits());
    if (!didWell(end)) throw new GitFailure(end, `cannot copy ${from} to ${to}`);
  }

  /** Repeats what speaks to the server, as often as the command wants. */
  async persistently<T>(work: () => Promise<T>): Promise<T> {
    const { repeats, delayMs } = this.#command.retry ?? { repeats: 0, delayMs: 0 };
    for (let left = repeats; ; left -= 1) {
      try {
        return await work();
      } catch (error) {
        if (!(error instanceof GitFailure) || !error.byItself || left === 0) throw error;
        this.say(`${error.message}; trying again in ${formatDuration(delayMs)}`);
        await pause(this.#context.clock, delayMs, this.#context.stop);
        const stop = stopOf(this.#context.stop);
        if (stop !== null) throw new GitFailure(stoppedEnd(stop), stop.message);
      }
    }
  }

  /** A line of ours in the log. */
  say(line: string): void {
    writeHeader(this.#context.output, line);
  }

  async #process(directory: string, args: readonly string[], output: 'show' | 'hide'): Promise<ProcessEnd> {
    return await runTool(this.#context, ['git', ...this.#configuration(), ...args], {
      cwd: directory,
      env: this.#environment(directory, args[0] === 'submodule'),
      idleTimeoutMs: this.#command.idleTimeoutMs,
      ...this.#limits(),
      captureBytes: output === 'hide' ? ANSWER_BYTES : 0,
      output,
    });
  }

  #limits() {
    return { deadlineMs: this.#deadlineMs, maxTimeMs: this.#command.maxTimeMs };
  }

  #configuration(): string[] {
    const own = {
      'advice.detachedHead': 'false',
      // Git would tidy up in the background, where it is ended with the rest of what its command leaves behind.
      'gc.autoDetach': 'false',
      'maintenance.autoDetach': 'false',
      // Hooks that a build before this one left in the repository are not run by this checkout. Its configuration is kept:
      // whoever may not leave a filter or a proxy there for others needs a builder of their own (docs/security.md).
      'core.hooksPath': '/dev/null',
      'core.fsmonitor': 'false',
    };
    return Object.entries({ ...own, ...this.#command.config }).flatMap(([key, value]) => ['-c', `${key}=${value}`]);
  }

  #environment(directory: string, isOfSubmodules: boolean) {
    const isLocal = isLocalRepository(this.#command.repository);
    return commandEnvironment({
      worker: this.#context.workerEnvironment,
      overrides: this.#command.env,
      workdir: directory,
      markers: {
        ...this.#context.markers,
        GIT_TERMINAL_PROMPT: '0',
        // Whoever can push must not have repositories on this machine checked out as submodules.
        GIT_ALLOW_PROTOCOL: isOfSubmodules && !isLocal ? REMOTE_PROTOCOLS : ALLOWED_PROTOCOLS,
        // A directory that is no repository must not be taken for a part of one around it.
        GIT_CEILING_DIRECTORIES: dirname(directory),
      },
    });
  }
}

/** Throws where the process was ended by a limit or on request, or could not be started: the checkout is over then. */
function notEnded(end: ProcessEnd): ProcessEnd {
  if (end.reason !== 'exited') throw new GitFailure(end, end.error?.message ?? `git was ended (${end.reason})`);
  return end;
}
