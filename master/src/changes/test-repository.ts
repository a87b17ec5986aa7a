import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';

const PERSON = {
  GIT_AUTHOR_NAME: 'Ada',
  GIT_AUTHOR_EMAIL: 'ada@example.org',
  GIT_COMMITTER_NAME: 'Ada',
  GIT_COMMITTER_EMAIL: 'ada@example.org',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_SYSTEM: '/dev/null',
};

/** For tests: a directory of its own, removed when the test has finished. */
export function temporaryDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), 'icefall-changes-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true, maxRetries: 3 }));
  return path;
}

/** For tests: a bare repository that is pushed to, and a clone in which to commit. Each commit is a second later. */
export class TestRepository {
  readonly bare: string;
  readonly clone: string;
  #seconds = 1_700_000_000;

  private constructor(directory: string) {
    this.bare = join(directory, "the 'origin' $(x).git");
    this.clone = join(directory, 'clone');
    execFileSync('git', ['init', '-q', '--bare', '-b', 'main', this.bare]);
    execFileSync('git', ['init', '-q', '-b', 'main', this.clone]);
    this.git('remote', 'add', 'origin', this.bare);
  }

  static create(): TestRepository {
    return new TestRepository(temporaryDirectory());
  }

  /** Runs Git in the clone; gives what it printed. */
  git(...args: readonly string[]): string {
    return this.#run(args).trim();
  }

  #run(args: readonly string[], input?: string): string {
    const date = `${this.#seconds} +0000`;
    const env = { ...process.env, ...PERSON, GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: date };
    return execFileSync('git', [...args], { cwd: this.clone, encoding: 'utf8', env, stdio: 'pipe', input });
  }

  /** Writes files and commits them; gives the revision. */
  commit(files: Readonly<Record<string, string>>, message: string): string {
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(dirname(join(this.clone, name)), { recursive: true });
      writeFileSync(join(this.clone, name), content);
    }
    this.#seconds += 1;
    this.git('add', '-A');
    this.git('commit', '-q', '--allow-empty', '-m', message);
    return this.head();
  }

  /** Commits so many times, quickly. */
  importHistory(count: number): void {
    const commits = Array.from({ length: count }, (_, i) => {
      const message = `Commit ${i + 1}`;
      return `commit refs/heads/main\ncommitter Ada <ada@example.org> ${this.#seconds + i} +0000\ndata ${message.length}\n${message}\n`;
    });
    this.#run(['fast-import', '--quiet'], commits.join(''));
    this.#seconds += count;
  }

  head(): string {
    return this.git('rev-parse', 'HEAD');
  }

  reset(revision: string): void {
    this.git('reset', '-q', '--hard', revision);
  }

  /** Pushes `HEAD` to branches (`+name` forced), tags that are named so, or whole refspecs. */
  push(...names: readonly string[]): void {
    this.git('push', '-q', 'origin', ...this.#specs(names));
  }

  /** The same without blocking, where a hook talks to this process; gives what was printed on standard error. */
  async pushed(...names: readonly string[]): Promise<string> {
    const args = ['push', '-q', 'origin', ...this.#specs(names)];
    const env = { ...process.env, ...PERSON };
    return (await promisify(execFile)('git', args, { cwd: this.clone, encoding: 'utf8', env })).stderr;
  }

  #specs(names: readonly string[]): string[] {
    const tags = this.git('tag').split('\n');
    return names.map((name) => {
      if (name.includes(':')) return name;
      const plain = name.replace('+', '');
      const isTag = tags.includes(plain);
      return isTag ? plain : `${name.startsWith('+') ? '+' : ''}HEAD:refs/heads/${plain}`;
    });
  }
}
