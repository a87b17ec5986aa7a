import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, rmSync } from 'node:fs';
import { type Home, PROGRAMS } from './home.ts';

const BRANCH = 'main';
const AUTHOR = { name: 'Build scripts', email: 'build-scripts@localhost' };

function git(cwd: string, ...args: string[]): string {
  return execFileSync('git', ['-C', cwd, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
}

/** Makes the bare repository and a clone with the first commit in it, not yet pushed. */
export function prepareScripts(home: Home): void {
  if (!existsSync(home.bareScripts)) execFileSync('git', ['init', '--quiet', '--bare', '-b', BRANCH, home.bareScripts]);
  if (existsSync(home.scripts) && hasCommit(home.scripts)) return;
  // A start that died before the first commit leaves nothing worth keeping.
  rmSync(home.scripts, { recursive: true, force: true });
  cpSync(PROGRAMS.buildScripts, home.scripts, { recursive: true });
  git(home.scripts, 'init', '--quiet', '-b', BRANCH);
  git(home.scripts, 'remote', 'add', 'origin', home.bareScripts);
  git(home.scripts, 'config', 'user.name', AUTHOR.name);
  git(home.scripts, 'config', 'user.email', AUTHOR.email);
  git(home.scripts, 'add', '--all');
  git(home.scripts, 'commit', '--quiet', '-m', 'Releases base 1.0.0 and tools 1.1.0');
}

function hasCommit(repository: string): boolean {
  try {
    git(repository, 'rev-parse', '--verify', '--quiet', 'HEAD');
    return true;
  } catch {
    return false;
  }
}

/** Whether anything was ever pushed. */
export function wasPushed(home: Home): boolean {
  return hasCommit(home.bareScripts);
}

/** Adds a commit that changes nothing: a reason to build everything. */
export function addEmptyCommit(home: Home): void {
  git(home.scripts, 'commit', '--quiet', '--allow-empty', '-m', 'Build everything once more');
}

/** Pushes the clone; the hook tells the master. Returns the revision. Throws an error with what Git said. */
export function push(home: Home): string {
  try {
    git(home.scripts, 'push', '--quiet', '--set-upstream', 'origin', BRANCH);
  } catch (error) {
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : String(error);
    throw new Error(`the push from ${home.scripts} failed: ${said}`);
  }
  return git(home.scripts, 'rev-parse', 'HEAD');
}
