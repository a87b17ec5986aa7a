import { dirname, join } from 'node:path';
import type { GitCommand } from '@icefall/shared';
import { Failure } from '../../failure.ts';
import { type CommandContext, type CommandEnd, type Executor, refused, succeeded } from '../context.ts';
import { makeUsable, resolvePath } from '../paths.ts';
import { reportBeginning } from '../report.ts';
import { endOf } from '../tools.ts';
import { Git, GitFailure } from './git.ts';
import { Repository } from './repository.ts';
import { type GitSource, gitSource, withoutCredentials } from './source.ts';

/** What a checkout does to files that Git does not know. */
type Clean = 'no' | 'untracked' | 'ignoredToo';

/**
 * Checks out a revision. Modes and methods are Buildbot's: incremental never cleans; full begins anew (clobber), in a
 * copy of `source` (copy), or in a work tree from which changes and untracked files were removed, the ignored ones kept
 * (clean) or not (fresh).
 */
export const runGit: Executor<'git'> = async (command, context) => {
  const directory = resolvePath(context, command.workdir);
  try {
    const source = gitSource(command, context.buildDirectory);
    reportBeginning(context, { line: titleOf(command, source), directory, limits: command });
    await makeUsable(dirname(directory));
    return await checkOutPatiently(new Git(command, context), { command, context, source, directory });
  } catch (error) {
    if (error instanceof GitFailure) return failureEnd(error);
    if (error instanceof Failure && REFUSALS.has(error.code))
      return refused({ code: error.code, message: error.message });
    throw error;
  }
};

/** Nothing was done yet when these are found. */
const REFUSALS = new Set(['bad_repository', 'bad_branch', 'bad_revision', 'bad_environment', 'workdir_unusable']);

function failureEnd(failure: GitFailure): CommandEnd {
  const end = endOf(failure.end);
  return { ...end, error: end.error ?? { code: 'git_failed', message: failure.message } };
}

function titleOf({ mode, method }: GitCommand, { repository, branch, revision }: GitSource): string {
  const what = `${branch === null ? 'default branch' : `branch ${branch}`}${revision === null ? '' : `, revision ${revision}`}`;
  return `checkout of ${withoutCredentials(repository)}, ${what} (${method === null ? mode : `${mode}, ${method}`})`;
}

interface Job {
  readonly command: GitCommand;
  readonly context: CommandContext;
  readonly source: GitSource;
  readonly directory: string;
}

/** With one more try, from nothing, where that is wanted. */
async function checkOutPatiently(git: Git, job: Job): Promise<CommandEnd> {
  try {
    return await checkOut(git, job);
  } catch (error) {
    const byItself = error instanceof Failure || (error instanceof GitFailure && error.byItself);
    if (!job.command.clobberOnFailure || !byItself) throw error;
    git.say(`${error.message}; removing everything and cloning anew`);
    if (job.command.method === 'copy') await git.remove(sourceDirectory(job.directory));
    await git.remove(job.directory);
    return await checkOut(git, job);
  }
}

async function checkOut(git: Git, job: Job): Promise<CommandEnd> {
  const { command, source, directory } = job;
  const { mode, method } = command;
  const copy = mode === 'full' && method === 'copy';
  const repository = new Repository(copy ? sourceDirectory(directory) : directory, git, source, command);
  if (mode === 'full' && method === 'clobber') await git.remove(directory);
  const revision = await update(git, repository, { clean: cleanOf(command), submodules: command.submodules });
  if (copy) {
    await git.remove(directory);
    await git.copy(repository.directory, directory);
  }
  const description = command.describe === null ? null : await repository.describe(command.describe);
  return succeeded(description === null ? { revision } : { revision, description });
}

/** Beside the work directory, as in Buildbot. Throws {@link Failure} `bad_path` where they are the same. */
function sourceDirectory(directory: string): string {
  const source = join(dirname(directory), 'source');
  if (source === directory)
    throw new Failure('bad_path', `the method copy keeps its source in ${source}: it cannot be the work directory`);
  return source;
}

function cleanOf({ mode, method }: GitCommand): Clean {
  if (mode === 'incremental' || method === 'copy') return 'no';
  return method === 'clean' ? 'untracked' : 'ignoredToo';
}

async function update(
  git: Git,
  repository: Repository,
  { clean, submodules }: { readonly clean: Clean; readonly submodules: boolean },
): Promise<string> {
  const adopted = (await repository.exists()) && (await adopt(git, repository, clean));
  if (!adopted) {
    // Without a repository nobody can tell what is untracked: a full checkout begins with nothing.
    if (clean !== 'no') await git.remove(repository.directory);
    await repository.clone();
  }
  const before = adopted ? await repository.head() : null;
  const commit = await repository.obtain(!adopted);
  await repository.checkout(commit);
  // What was ignored, or a submodule, in the old commit may be neither in the new one.
  if (clean !== 'no' && before !== null && before !== commit) await repository.clean(clean === 'ignoredToo');
  if (submodules) await repository.updateSubmodules(clean);
  return commit;
}

/** False where it could not be cleaned: then it is cloned anew. */
async function adopt(git: Git, repository: Repository, clean: Clean): Promise<boolean> {
  await repository.adopt();
  if (clean === 'no') return true;
  try {
    await repository.clean(clean === 'ignoredToo');
    return true;
  } catch (error) {
    if (!(error instanceof GitFailure) || !error.byItself || clean !== 'ignoredToo') throw error;
    git.say(`${error.message}; cloning anew`);
    return false;
  }
}
