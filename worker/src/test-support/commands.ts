import type { GitCommand, ShellCommand } from '@icefall/shared';

/** A shell command with defaults for what a test does not care about. */
export function shellOf(command: ShellCommand['command'], rest: Partial<ShellCommand> = {}): ShellCommand {
  return {
    kind: 'shell',
    command,
    workdir: 'build',
    env: {},
    idleTimeoutMs: null,
    maxTimeMs: null,
    maxLines: null,
    killGraceMs: 5000,
    stdin: null,
    logFiles: [],
    capture: false,
    ...rest,
  };
}

export function gitOf(repository: string, rest: Partial<GitCommand> = {}): GitCommand {
  return {
    kind: 'git',
    repository,
    branch: null,
    revision: null,
    mode: 'incremental',
    method: null,
    workdir: 'build',
    submodules: false,
    depth: null,
    tags: false,
    clobberOnFailure: false,
    retry: null,
    describe: null,
    reference: null,
    filter: null,
    config: {},
    env: {},
    idleTimeoutMs: null,
    maxTimeMs: null,
    ...rest,
  };
}
