import { chmodSync, existsSync, linkSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Git, gitDirOf } from './git.ts';
import { writeWhole } from './git-hook/files.ts';
import { CHAINED, hookScript, isOurs, STATE } from './git-hook/script.ts';
import { type HookSettings, writeSettings } from './git-hook/settings.ts';
import { Spool } from './git-hook/spool.ts';
import { type ToldReport, tellMaster } from './git-hook/told.ts';

export interface GitHookOptions {
  /** The master's address, as `http://127.0.0.1:8010`. */
  readonly url: string;
  /** How the site's program names the repository; default: its absolute path. */
  readonly repository?: string;
  readonly codebase?: string;
  readonly project?: string;
}

export interface InstalledHook {
  /** The hook. */
  readonly file: string;
  /** What the master will be told as the repository. */
  readonly repository: string;
  /** A hook that was there before, and how it is called now; it runs as well. Null: there was none. */
  readonly chained: string | null;
}

/** A hook cannot be installed or used. */
class GitHookError extends Error {
  readonly code = 'git_hook';
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'GitHookError';
  }
}

/**
 * Puts a `post-receive` hook that tells the master of every push into a repository, bare or not. A hook of somebody
 * else is kept and runs first; one of ours is replaced. What an earlier one could not send is kept, and goes to the new
 * address. Throws {@link GitHookError} and GitError.
 */
export async function installHook(path: string, options: GitHookOptions): Promise<InstalledHook> {
  const settings = settingsOf(path, options);
  const gitDir = gitDirOf(path);
  const git = new Git(gitDir);
  const place = async (...args: readonly string[]) => resolve(gitDir, (await git.run('rev-parse', ...args)).trim());
  const common = await place('--git-common-dir');
  const hooks = await place('--git-path', 'hooks');
  const state = join(common, STATE);
  Spool.prepare(state, join(common, 'objects'));
  writeSettings(state, settings);
  mkdirSync(hooks, { recursive: true });
  const file = join(hooks, 'post-receive');
  const chained = keepForeign(hooks, file);
  const main = join(import.meta.dirname, 'git-hook', 'main.ts');
  // Written beside and moved: at any moment there is the old hook or the new one.
  const fresh = `${file}.icefall-new`;
  writeWhole(fresh, hookScript({ node: process.execPath, main }));
  chmodSync(fresh, 0o755);
  renameSync(fresh, file);
  return { file, repository: settings.repository, chained };
}

/**
 * Sends what a repository's hook could not. Gives what became of it; `left` changes still wait, for the reason `why`.
 * Throws {@link GitHookError} where no hook is installed.
 */
export async function flushHook(
  path: string,
  ports: { readonly now: () => number; readonly signal: AbortSignal },
): Promise<ToldReport> {
  const gitDir = gitDirOf(path);
  const common = (await new Git(gitDir).run('rev-parse', '--git-common-dir')).trim();
  const state = join(resolve(gitDir, common), STATE);
  if (!existsSync(state))
    throw new GitHookError(`${path} has no hook of ours; install it with "icefall hook install ${path} --url URL"`);
  return await tellMaster(state, ports);
}

function settingsOf(path: string, options: GitHookOptions): HookSettings {
  const { url, repository = resolve(path), codebase = '', project = '' } = options;
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (parsed === null || !/^https?:$/.test(parsed.protocol))
    throw new GitHookError(`${JSON.stringify(url)} is no address of a master; give one as http://127.0.0.1:8010`);
  if (parsed.username !== '' || parsed.password !== '' || parsed.search !== '' || parsed.hash !== '')
    throw new GitHookError('the address of the master must hold neither a user nor a query');
  return { url: parsed.href.replace(/\/+$/, ''), repository, codebase, project };
}

/** Gives another one's hook a name beside ours. */
function keepForeign(hooks: string, file: string): string | null {
  if (!existsSync(file) || isOurs(readFileSync(file, 'utf8'))) return null;
  for (let number = 1; ; number += 1) {
    const kept = join(hooks, `${CHAINED}.${number}`);
    if (existsSync(kept)) continue;
    linkSync(file, kept);
    return kept;
  }
}
