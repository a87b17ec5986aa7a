import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { StepDeclaration } from '../step.ts';
import { aRun, commandOf } from '../test-run.ts';

/** What scripts of ours use besides the program that they are about. */
const PLAIN = ['sh', 'mktemp', 'rm', 'date', 'base64', 'tr', 'cat', 'env'];

/**
 * Words that each program takes, as its manual has them: the fakes refuse all others, so that a misspelt option is
 * found. An option with `=` after it takes the next word.
 */
const MANUALS: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  buildah: {
    build: ['--layers', '--pull-always', '--tag=', '--file=', '--target=', '--build-arg=', '--label='],
    push: [],
    tag: [],
    from: ['--name='],
    inspect: ['--type=', '--format='],
    run: ['--network=', '-v=', '-e=', '--'],
    rm: [],
  },
  docker: {
    build: ['--pull', '--tag=', '--file=', '--target=', '--build-arg=', '--label='],
    push: [],
    tag: [],
    run: ['--name=', '--network=', '-v=', '-e=', '--entrypoint='],
    rm: ['-f'],
  },
  helm: {
    upgrade: [
      '--install',
      '--version=',
      '--namespace=',
      '--create-namespace',
      '--values=',
      '--set-literal=',
      '--wait',
      '--atomic',
      '--timeout=',
    ],
  },
  executor: { '': ['--context=', '--destination=', '--dockerfile=', '--target=', '--build-arg=', '--label='] },
};

/**
 * For tests: a directory of programs that are fakes, and say so. Each notes its words and the registry's file that it was
 * given, refuses what its manual does not have, and ends well, unless it is told to fail.
 */
export class FakePrograms {
  readonly directory = mkdtempSync(join(tmpdir(), 'icefall-fakes-'));
  readonly #bin = join(this.directory, 'bin');

  constructor(...names: readonly (keyof typeof MANUALS & string)[]) {
    mkdirSync(this.#bin);
    onTestFinished(() => rmSync(this.directory, { recursive: true, force: true }));
    for (const name of PLAIN) symlinkSync(realPath(name), join(this.#bin, name));
    for (const name of names) this.#write(name, 0);
  }

  /** From now on a program fails. */
  fail(name: string, exitCode: number): void {
    this.#write(name, exitCode);
  }

  #write(name: string, exitCode: number): void {
    const path = join(this.#bin, name);
    rmSync(path, { force: true });
    writeFileSync(path, scriptOf(name, exitCode, join(this.directory, 'calls')));
    chmodSync(path, 0o755);
  }

  /** Runs a step's command as a worker would. */
  run(step: StepDeclaration, env: Record<string, string> = {}) {
    const { command, env: own } = commandOf('shell', () => step, aRun());
    const [program = '', ...words] = typeof command === 'string' ? ['/bin/sh', '-c', command] : command;
    const given = Object.fromEntries(
      Object.entries(own).filter((entry): entry is [string, string] => entry[1] !== null),
    );
    const { status, stdout, stderr } = spawnSync(program, words, {
      cwd: this.directory,
      encoding: 'utf8',
      env: { PATH: this.#bin, ...given, ...env },
    });
    return { status, output: `${stdout}${stderr}`, calls: this.#calls() };
  }

  /** One for each call: the program and its words; the registry's file, where there was one, after `auth`. */
  #calls(): string[][] {
    try {
      const text = readFileSync(join(this.directory, 'calls'), 'utf8');
      return text
        .split('\n\0')
        .slice(0, -1)
        .map((call) => call.split('\0'));
    } catch {
      return [];
    }
  }
}

function realPath(name: string): string {
  const found = ['/bin', '/usr/bin'].map((folder) => join(folder, name)).find((path) => readable(path));
  if (found === undefined) throw new Error(`there is no ${name} in ${['/bin', '/usr/bin'].join(delimiter)}`);
  return found;
}

function readable(path: string): boolean {
  try {
    return readFileSync(path).length > 0;
  } catch {
    return false;
  }
}

function scriptOf(name: string, exitCode: number, calls: string): string {
  const verbs = Object.entries(MANUALS[name] ?? {}).map(([verb, options]) => {
    const cases = options
      .filter((option) => option !== '--')
      .map((option) => (option.endsWith('=') ? `${option.slice(0, -1)}) shift 2 ;;` : `${option}) shift ;;`));
    const end = options.includes('--') ? '--) break ;;' : '';
    return `${verb === '' ? '*' : verb})
    ${verb === '' ? '' : 'shift'}
    while [ $# -gt 0 ]; do case $1 in
      ${cases.join('\n      ')}
      ${end}
      -*) echo "fake ${name}: unknown option $1" >&2; exit 125 ;;
      *) ${verb === 'run' ? 'break' : 'shift'} ;;
    esac; done ;;`;
  });
  return `#!/bin/sh
echo "this is a fake ${name}, for tests" >&2
{ printf '%s\\0' ${name} "$@"; if [ -n "$DOCKER_CONFIG" ]; then printf 'auth\\0'; cat "$DOCKER_CONFIG/config.json"; printf '\\0'; fi; printf '\\n\\0'; } >> ${calls}
if [ "$1" = inspect ]; then printf '/entry\\npoint two\\n'; exit 0; fi
if [ "$1" = rm ]; then exit 0; fi
case $1 in
  ${verbs.join('\n  ')}
  *) echo "fake ${name}: unknown command $1" >&2; exit 125 ;;
esac
exit ${exitCode}
`;
}
