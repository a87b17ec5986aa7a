import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Repositories with an `icefall.yml` each, as many as are wanted: bare ones, written in a moment. */
export class WrittenProjects {
  readonly directory: string;
  #commits = 0;

  constructor(directory: string) {
    this.directory = directory;
    mkdirSync(directory, { recursive: true });
  }

  /** Makes or changes the repository of a project; `extra` steps are what is different. */
  write(index: number, extra = 0): void {
    const path = this.path(index);
    const isNew = this.#lay(path);
    this.#commits += 1;
    const steps = Array.from({ length: 1 + extra }, (_, i) => `  - { name: step${i}, run: ['true'] }\n`).join('');
    const files = {
      'icefall.yml': `version: 1\nplatforms: [${index % 2 === 0 ? 'even' : 'odd'}]\nlocks: [cpu]\nsteps:\n${steps}`,
      'README.md': `Project ${index}\n`,
    };
    const blobs = Object.entries(files).map(
      ([name, text]) => `M 100644 inline ${name}\ndata ${text.length}\n${text}\n`,
    );
    const author = `Bench <bench@example.org> ${1_700_000_000 + this.#commits} +0000`;
    const from = isNew ? '' : 'from refs/heads/main^0\n';
    const commit = `commit refs/heads/main\ncommitter ${author}\ndata 6\nchange\n${from}${blobs.join('')}\n`;
    execFileSync('git', ['fast-import', '--quiet'], {
      cwd: path,
      input: commit,
      env: { ...process.env, GIT_DIR: path },
    });
  }

  path(index: number): string {
    return join(this.directory, `project${index}.git`);
  }

  /** The files of an empty repository: to have Git write them takes a second process for each. */
  #lay(path: string): boolean {
    try {
      readFileSync(join(path, 'HEAD'));
      return false;
    } catch {
      for (const folder of ['objects', 'refs']) mkdirSync(join(path, folder), { recursive: true });
      writeFileSync(join(path, 'HEAD'), 'ref: refs/heads/main\n');
      writeFileSync(
        join(path, 'config'),
        '[core]\n\trepositoryformatversion = 0\n\tbare = true\n[uploadpack]\n\tallowFilter = true\n\tallowAnySHA1InWant = true\n',
      );
      return true;
    }
  }
}

/** A site whose projects are the first `count` of these repositories. */
export function projectsProgram(projects: WrittenProjects, count: number): string {
  return `import { masterLock, projects, site, worker } from '@icefall/master/config';
const token = { file: new URL('token', import.meta.url).pathname };
const [w1, w2] = ['w1', 'w2'].map((name) => worker({ name, maxBuilds: 4, token }));
const repositories = Array.from({ length: ${count} }, (_, i) => ({
  name: \`project\${i}\`,
  repository: ${JSON.stringify(`file://${projects.directory}`)} + \`/project\${i}.git\`,
  branch: 'main',
}));
export default site({
  title: 'Bench',
  workers: [w1, w2],
  builders: [],
  projects: projects({
    repositories,
    platforms: { even: [w1], odd: [w2] },
    locks: [masterLock('cpu', { maxCount: 8 })],
    every: '6h',
  }),
});
`;
}
