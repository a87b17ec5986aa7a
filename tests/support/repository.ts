import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { TestGround } from './ground.ts';

const PERSON = {
  GIT_AUTHOR_NAME: 'Ada',
  GIT_AUTHOR_EMAIL: 'ada@example.org',
  GIT_COMMITTER_NAME: 'Ada',
  GIT_COMMITTER_EMAIL: 'ada@example.org',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_SYSTEM: '/dev/null',
};

/** Content of files by path; null removes the file. What begins with `#!` is executable. */
export type Files = Readonly<Record<string, string | null>>;

/** A clone to work in; pushes go to the repository it was made from. */
export class TestClone {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  /** Runs Git in the clone, and gives what it printed. */
  git(...args: readonly string[]): string {
    const env = { ...process.env, ...PERSON };
    return execFileSync('git', args, { cwd: this.directory, encoding: 'utf8', env, stdio: 'pipe' }).trim();
  }

  read(path: string): string {
    return readFileSync(join(this.directory, path), 'utf8');
  }

  /** Commits; gives the revision. */
  commit(files: Files, message = 'Change something'): string {
    for (const [name, content] of Object.entries(files)) write(join(this.directory, name), content);
    this.git('add', '--all');
    this.git('commit', '--quiet', '--allow-empty', '-m', message);
    return this.git('rev-parse', 'HEAD');
  }

  /** Commits and pushes; gives the revision. */
  push(files: Files, message?: string): string {
    const revision = this.commit(files, message);
    this.git('push', '--quiet', 'origin', 'HEAD');
    return revision;
  }
}

/** A bare repository with a clone and a first commit. */
export class TestRepository extends TestClone {
  readonly bare: string;

  constructor(ground: TestGround, files: Files = { README: 'A repository.\n' }, name = 'repository') {
    super(ground.path(`${name}-clone`));
    this.bare = ground.path(`${name}.git`);
    const quiet = { stdio: 'pipe' } as const;
    execFileSync('git', ['init', '--quiet', '--bare', '-b', 'main', this.bare], quiet);
    execFileSync('git', ['init', '--quiet', '-b', 'main', this.directory], quiet);
    this.git('remote', 'add', 'origin', this.bare);
    this.push(files, 'Begin');
  }
}

function write(path: string, content: string | null): void {
  if (content === null) {
    rmSync(path);
    return;
  }
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  if (content.startsWith('#!')) chmodSync(path, 0o755);
}
