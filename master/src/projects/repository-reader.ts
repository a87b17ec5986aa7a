import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Git, GitError, withoutPasswords } from '../changes/git.ts';
import { parseRemoteHeads } from '../changes/git-heads.ts';
import { PIPELINE_FILE } from './definition.ts';
import type { Finding } from './pipelines.ts';

/** No pipeline that a person writes comes near it. */
export const MOST_PIPELINE_BYTES = 256 * 1024;

/** What is asked of a repository. */
export interface Look {
  readonly project: string;
  readonly repository: string;
  /** Null: the default branch. */
  readonly branch: string | null;
  /** The commit that was read last; null: read in any case. */
  readonly known: string | null;
}

/** Looks at repositories; the port of the seed scheduler to the world. */
export interface RepositoryReader {
  /** What the file says now; null: nothing has changed since the known commit. Never throws. */
  look(look: Look): Promise<Finding | null>;
  /** Forgets what it keeps of projects other than these. */
  keepOnly(projects: ReadonlySet<string>): void;
  /** Ends what runs. */
  stop(): void;
}

const REF = 'refs/icefall/seed';

/** Reads through Git, with a small bare copy for each project: one commit deep, and of its files only the one that is read. */
export class GitReader implements RepositoryReader {
  readonly #directory: string;
  readonly #abort = new AbortController();

  constructor(directory: string) {
    this.#directory = directory;
  }

  async look({ project, repository, branch, known }: Look): Promise<Finding | null> {
    const shown = withoutPasswords(repository);
    const lost = (mistake: string) => ({ branch, revision: null, mistake });
    try {
      const git = this.#open(project, repository);
      // What was never read is fetched at once: to ask for its tip takes a process more for each of a thousand.
      const tip = known === null && branch !== null ? { branch } : await tipOf(git, repository, branch);
      if ('mistake' in tip) return lost(tip.mistake);
      if ('revision' in tip && tip.revision === known) return null;
      if (!(await fetchBranch(git, tip.branch))) return lost(noBranch(shown, tip.branch));
      // Not what was listed: there may have been a push in between.
      const revision = readFileSync(join(this.#directory, project, REF), 'utf8').trim();
      return { branch: tip.branch, revision, ...(await readPipelineFile(git, shown)) };
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      return lost(`${shown}: ${why}; can the master reach and read it?`);
    }
  }

  keepOnly(projects: ReadonlySet<string>): void {
    if (!existsSync(this.#directory)) return;
    for (const name of readdirSync(this.#directory))
      if (!projects.has(name)) rmSync(join(this.#directory, name), { recursive: true, force: true });
  }

  stop(): void {
    this.#abort.abort();
  }

  /** The bare copy. Its few files are written here: to have Git make them takes a process for each of a thousand. */
  #open(project: string, repository: string): Git {
    const directory = join(this.#directory, project);
    mkdirSync(join(directory, 'objects'), { recursive: true });
    mkdirSync(join(directory, 'refs'), { recursive: true });
    writeFileSync(join(directory, 'config'), configOf(repository), { mode: 0o600 });
    writeFileSync(join(directory, 'HEAD'), 'ref: refs/heads/none\n');
    return new Git(directory, this.#abort.signal);
  }
}

/** Files are fetched when they are read: of a large repository only one is. A server that cannot do so sends them all. */
const FILTER = ['--filter=blob:none'];

function configOf(repository: string): string {
  const url = repository.replace(/["\\]/g, '\\$&');
  return `[core]
\trepositoryformatversion = 1
\tbare = true
[extensions]
\tpartialClone = origin
[remote "origin"]
\turl = "${url}"
\tpromisor = true
\tpartialclonefilter = blob:none
[protocol "ext"]
\tallow = never
[gc]
\tauto = 0
[maintenance]
\tauto = false
`;
}

type Tip = { readonly branch: string; readonly revision: string } | { readonly mistake: string };

async function tipOf(git: Git, repository: string, branch: string | null): Promise<Tip> {
  const wanted = branch === null ? ['HEAD', 'refs/heads/*'] : [`refs/heads/${branch}`];
  const { heads, defaultBranch } = parseRemoteHeads(
    await git.run('ls-remote', '--symref', '--', repository, ...wanted),
  );
  const name = branch ?? defaultBranch;
  const shown = withoutPasswords(repository);
  if (name === null) return { mistake: `${shown}: it is empty, or names no default branch; name the project's branch` };
  const revision = heads.get(name);
  return revision === undefined ? { mistake: noBranch(shown, name) } : { branch: name, revision };
}

function noBranch(shown: string, name: string): string {
  return `${shown}: it has no branch "${name}"; push it, or name another one`;
}

/** Fetches the tip of a branch. False: there is no such branch. */
async function fetchBranch(git: Git, branch: string): Promise<boolean> {
  const options = ['--quiet', '--depth=1', '--no-tags', '--no-write-fetch-head', ...FILTER];
  try {
    await git.run('fetch', ...options, 'origin', `+refs/heads/${branch}:${REF}`);
    return true;
  } catch (error) {
    if (error instanceof GitError && error.message.includes("couldn't find remote ref")) return false;
    throw error;
  }
}

async function readPipelineFile(
  git: Git,
  shown: string,
): Promise<{ readonly text: string } | { readonly mistake: string }> {
  const listed = await git.run('ls-tree', '-l', REF, '--', PIPELINE_FILE);
  const [, mode, object, size] = /^(\d+) blob ([0-9a-f]+) +(\d+)\t/.exec(listed) ?? [];
  if (object === undefined)
    return {
      mistake: `${shown} ${PIPELINE_FILE}:1: the file is not there; add it, or take the repository off the list`,
    };
  if (mode === '120000') return { mistake: `${shown} ${PIPELINE_FILE}:1: it is a symbolic link; it must be a file` };
  if (Number(size) > MOST_PIPELINE_BYTES)
    return { mistake: `${shown} ${PIPELINE_FILE}:1: it has ${size} bytes; at most ${MOST_PIPELINE_BYTES} are read` };
  return { text: await git.run('cat-file', 'blob', object) };
}
