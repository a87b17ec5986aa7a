import { existsSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type SimpleGit, simpleGit } from 'simple-git';

/** A Git command said nothing for so long: it hangs. A large fetch speaks all the while. */
const SILENCE_LIMIT_MS = 10 * 60_000;

/** What of the master's environment Git gets: ways and keys to other machines. All else is kept away from it. */
const PASSED = [
  'PATH',
  'HOME',
  'USER',
  'LOGNAME',
  'TMPDIR',
  'XDG_CONFIG_HOME',
  'SSH_AUTH_SOCK',
  ...['http_proxy', 'https_proxy', 'all_proxy', 'no_proxy'].flatMap((name) => [name, name.toUpperCase()]),
];
/** Of Git's own variables those by which an operator says how to reach other machines. */
const OPERATORS = ['GIT_SSH', 'GIT_SSH_COMMAND', 'GIT_ASKPASS', 'SSH_ASKPASS', 'GIT_SSL_CAINFO'];
const OURS = ['GIT_DIR', 'GIT_TERMINAL_PROMPT', 'GIT_OPTIONAL_LOCKS', 'GIT_ALLOW_PROTOCOL'];
/** What Git may speak: above all not `ext::`, which runs any program. */
const ALLOWED_PROTOCOLS = 'file:git:http:https:ssh';

/** Git failed. The message says what it was told, and what it said; passwords in addresses are left out. */
export class GitError extends Error {
  readonly code = 'git';
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'GitError';
  }
}

/** Runs Git in one repository. */
export class Git {
  readonly #git: SimpleGit;

  /** `gitDir`: the repository itself, `.git` of one with a work tree. `abort` ends what is running. */
  constructor(gitDir: string, abort?: AbortSignal) {
    const options = {
      baseDir: gitDir,
      allowEnvironment: [...OPERATORS, ...OURS],
      // The operator's own environment, not anybody's input.
      unsafe: { allowUnsafeSshCommand: true, allowUnsafeAskPass: true },
      timeout: { block: SILENCE_LIMIT_MS },
      errors: failureOf,
      ...(abort === undefined ? {} : { abort }),
    };
    // GIT_DIR: inside a hook Git's own variables point elsewhere, and an owner other than us is no surprise.
    const quiet = { GIT_TERMINAL_PROMPT: '0', GIT_OPTIONAL_LOCKS: '0', LC_ALL: 'C.UTF-8' };
    const ours = { ...quiet, GIT_DIR: gitDir, GIT_ALLOW_PROTOCOL: ALLOWED_PROTOCOLS };
    this.#git = simpleGit(options).env({ ...environment(), ...ours });
  }

  /** Standard output of a command. Throws {@link GitError}. */
  async run(...args: readonly string[]): Promise<string> {
    try {
      return await this.#git.raw([...args]);
    } catch (error) {
      const why = error instanceof Error ? error.message.trim() : String(error);
      throw new GitError(withoutPasswords(`git ${args[0]}: ${why}`), { cause: error });
    }
  }

  /** Whether a command ends well. */
  async succeeds(...args: readonly string[]): Promise<boolean> {
    try {
      await this.run(...args);
      return true;
    } catch (error) {
      if (error instanceof GitError) return false;
      throw error;
    }
  }
}

/** A command fails by its exit code; Git says things on standard error that are no errors. */
function failureOf(error: Buffer | Error | undefined, result: { exitCode: number; stdErr: Buffer[] }) {
  if (error instanceof Error || result.exitCode === 0) return error instanceof Error ? error : undefined;
  const said = Buffer.concat(result.stdErr).toString('utf8').trim();
  return new Error(said === '' ? `ended with code ${result.exitCode}` : said);
}

function environment(): Record<string, string> {
  return Object.fromEntries(
    [...PASSED, ...OPERATORS].flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

/** `https://user:secret@host` becomes `https://user@host`. */
export function withoutPasswords(text: string): string {
  // From the beginning of a word only: what a server says may be one word of megabytes.
  return text.replace(/(\b\w+:\/\/[^\s/:@]*):[^\s/@]*@/g, '$1@');
}

/**
 * The Git directory of a repository: a bare one's own, else `.git` (or what the file `.git` names). Found without Git,
 * which would refuse a repository of another owner. Throws {@link GitError}.
 */
export function gitDirOf(repository: string): string {
  const path = resolve(repository);
  const inside = join(path, '.git');
  if (existsSync(inside) && statSync(inside).isFile()) {
    const named = /^gitdir: (.+)$/m.exec(readFileSync(inside, 'utf8'))?.[1];
    if (named !== undefined) return resolve(path, named);
  }
  for (const gitDir of [inside, path])
    if (existsSync(join(gitDir, 'HEAD')) && existsSync(join(gitDir, 'objects'))) return gitDir;
  throw new GitError(`${path} is no Git repository`);
}
