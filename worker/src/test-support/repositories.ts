import { execFile } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const exec = promisify(execFile);

/** A real repository that a test commits to. */
export class TestRepository {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async create(path: string): Promise<TestRepository> {
    await mkdir(path, { recursive: true });
    const repository = new TestRepository(path);
    await repository.git('init', '--quiet', '--initial-branch=main');
    return repository;
  }

  async git(...args: readonly string[]): Promise<string> {
    const identity = ['-c', 'user.name=Test', '-c', 'user.email=test@example.org', '-c', 'protocol.file.allow=always'];
    const env = { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null' };
    const { stdout } = await exec('git', ['-C', this.path, ...identity, ...args], { env });
    return stdout.trim();
  }

  /** Writes (or with null removes) files and commits them; the commit's name. */
  async commit(files: Readonly<Record<string, string | null>>, message = 'change'): Promise<string> {
    for (const [name, text] of Object.entries(files)) {
      const path = join(this.path, name);
      await mkdir(dirname(path), { recursive: true });
      if (text === null) await rm(path, { recursive: true });
      else await writeFile(path, text);
    }
    await this.git('add', '--all');
    await this.git('commit', '--quiet', '--allow-empty', '-m', message);
    return await this.git('rev-parse', 'HEAD');
  }
}
