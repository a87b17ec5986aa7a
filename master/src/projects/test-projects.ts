import { builder, factory } from '../config/builders.ts';
import { masterLock } from '../config/locks.ts';
import { collectProblems } from '../config/problems.ts';
import { type ProjectDeclaration, type ProjectOptions, type ProjectsOptions, projects } from '../config/projects.ts';
import { triggerableScheduler } from '../config/schedulers.ts';
import type { SiteDeclaration, SiteOptions } from '../config/site.ts';
import { site } from '../config/site-program.ts';
import { worker } from '../config/workers.ts';
import { secret } from '../secrets/reference.ts';
import type { Offer } from './pipeline.ts';
import type { Finding } from './pipelines.ts';
import type { Look, RepositoryReader } from './repository-reader.ts';

/** For tests: a site with projects, and repositories in memory. */

const [debian, alma, publisher] = ['debian', 'alma', 'publisher'].map((name) => worker({ name })) as [W, W, W];
type W = ReturnType<typeof worker>;
const cpu = masterLock('cpu', { maxCount: 4 });
const publish = builder({ name: 'publish', workers: [publisher], factory: factory([]) });
const release = triggerableScheduler({ name: 'release', builders: [publish] });

export const GOOD = `version: 1
platforms: [debian12, alma9]
branches: [main, release/*]
env:
  CFLAGS: -O2
locks: [cpu]
steps:
  - run: make
  - { name: test, run: [make, check], timeout: 20m }
`;

export function addressOf(name: string): string {
  return `https://git.example.org/${name}.git`;
}

export function project(name: string, more: Partial<ProjectDeclaration> = {}): ProjectDeclaration {
  return {
    name,
    repository: addressOf(name),
    branch: 'main',
    trust: { pullRequests: 'none', forks: 'none', platforms: [] },
    ...more,
  };
}

const OFFERED = {
  platforms: { debian12: [debian], alma9: [alma] },
  locks: [cpu],
  secrets: { TOKEN: secret('token') },
  publish: { release },
  artifacts: '/srv/artifacts',
};

export function offer(more: Partial<ProjectsOptions> = {}): Offer {
  const { value, problems } = collectProblems(() => projects({ repositories: [], ...OFFERED, ...more }));
  if (problems.length > 0) throw new Error(problems.map(({ message }) => message).join('\n'));
  return value;
}

export function projectOptions(name: string, more: Partial<ProjectOptions> = {}): ProjectOptions {
  return { name, repository: addressOf(name), branch: 'main', ...more };
}

export function siteWith(
  repositories: readonly ProjectOptions[],
  more: Partial<ProjectsOptions> = {},
  rest: Partial<SiteOptions> = {},
): SiteDeclaration {
  const { value, problems } = collectProblems(() =>
    site({
      title: 'test',
      workers: [debian, alma, publisher],
      builders: [publish],
      schedulers: [release],
      projects: projects({ repositories, ...OFFERED, ...more }),
      ...rest,
    }),
  );
  if (problems.length > 0) throw new Error(problems.map(({ message }) => message).join('\n'));
  return value;
}

/** Repositories that are but a text each; a double of Git that says so. */
export class FakeRepositories implements RepositoryReader {
  readonly looks: string[] = [];
  readonly #files = new Map<string, { readonly text: string; readonly revision: string }>();
  #commits = 0;

  /** Commits a file; gives the revision. */
  push(name: string, text: string): string {
    this.#commits += 1;
    const revision = `${this.#commits}`.padStart(40, '0');
    this.#files.set(addressOf(name), { text, revision });
    return revision;
  }

  remove(name: string): void {
    this.#files.delete(addressOf(name));
  }

  look({ project: name, repository, branch, known }: Look): Promise<Finding | null> {
    this.looks.push(name);
    const file = this.#files.get(repository);
    if (file === undefined)
      return Promise.resolve({ branch, revision: null, mistake: `${repository}: it cannot be reached` });
    return Promise.resolve(file.revision === known ? null : { branch: branch ?? 'main', ...file });
  }

  keepOnly(): void {}
  stop(): void {}
}
