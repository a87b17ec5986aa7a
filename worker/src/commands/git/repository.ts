import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { GitCommand } from '@icefall/shared';
import { Failure } from '../../failure.ts';
import { lstatOrNull } from '../trees.ts';
import { type Git, GitFailure } from './git.ts';
import { removeLocks } from './locks.ts';
import { type GitSource, isFullObjectName, isObjectName } from './source.ts';

/** Branches of the remote, where one fetch of the right thing was not enough. */
const ALL_BRANCHES = '+refs/heads/*:refs/remotes/origin/*';

/** One repository with its work tree on this machine, and the remote that it is a clone of. */
export class Repository {
  readonly directory: string;
  readonly #git: Git;
  readonly #source: GitSource;
  readonly #options: GitCommand;

  constructor(directory: string, git: Git, source: GitSource, options: GitCommand) {
    this.directory = directory;
    this.#git = git;
    this.#source = source;
    this.#options = options;
  }

  /** Whether there is a repository in the directory itself that Git can work with. */
  async exists(): Promise<boolean> {
    if ((await lstatOrNull(join(this.directory, '.git'))) === null) return false;
    return (await this.#git.answer(this.directory, 'rev-parse', '--git-dir')) === '.git';
  }

  /** Makes one that an earlier build left usable for this: no lock of a killed Git, the right address. */
  async adopt(): Promise<void> {
    await removeLocks(join(this.directory, '.git'));
    await this.#git.run(this.directory, 'config', 'remote.origin.url', this.#source.repository);
  }

  /**
   * Clones, without touching what else is in the directory. The repository appears in one piece: a clone that was cut
   * off is not taken for one.
   */
  async clone(): Promise<void> {
    const { depth, filter, reference } = this.#options;
    const { repository, branch, revision } = this.#source;
    const unfinished = `${this.directory}.icefall-clone`;
    const named = branch !== null && !branch.startsWith('refs/') && (revision === null || !isObjectName(revision));
    const args = [
      ...(named ? ['--branch', branch] : []),
      ...(depth === null ? [] : ['--depth', String(depth)]),
      ...(filter === null ? [] : [`--filter=${filter}`]),
      // A path is cloned by copying files, unless told otherwise; then depth and filter would mean nothing.
      ...(depth === null && filter === null ? [] : ['--no-local']),
      ...(reference === null ? [] : ['--reference-if-able', reference]),
    ];
    await mkdir(this.directory, { recursive: true });
    await this.#git.persistently(async () => {
      await this.#git.remove(unfinished);
      await this.#git.run(
        this.directory,
        'clone',
        '--no-checkout',
        '--progress',
        ...args,
        '--',
        repository,
        unfinished,
      );
    });
    await this.#git.remove(join(this.directory, '.git'));
    await rename(join(unfinished, '.git'), join(this.directory, '.git'));
    await this.#git.remove(unfinished);
  }

  /**
   * Brings what is wanted from the remote and returns its object name. `fresh`: it was cloned just now, and holds the
   * tip of the branch. Throws {@link Failure} `revision_not_found` or `no_commits`.
   */
  async obtain(fresh: boolean): Promise<string> {
    const { branch, revision } = this.#source;
    if (revision !== null && isObjectName(revision)) return await this.#obtainObject(revision, fresh);
    const clonedTip = fresh && revision === null && !branch?.startsWith('refs/');
    if (clonedTip && !this.#options.tags) return await this.#commit('HEAD');
    await this.#git.persistently(() => this.#fetchName(revision ?? branch ?? 'HEAD'));
    return await this.#commit('FETCH_HEAD');
  }

  /** Makes the work tree that of the commit; files that Git does not know stay. */
  async checkout(commit: string): Promise<void> {
    await this.#git.run(this.directory, 'checkout', '-f', '--detach', commit);
    const { branch } = this.#source;
    // For people and tools that ask for the branch; where the name clashes with another, the commit is what counts.
    if (branch !== null && !branch.startsWith('refs/') && branch !== 'HEAD')
      await this.#git.answer(this.directory, 'checkout', '-B', branch);
  }

  /** The commit that is checked out; null where there is none. */
  head(): Promise<string | null> {
    return this.#git.answer(this.directory, 'rev-parse', '--verify', '--quiet', 'HEAD^{commit}');
  }

  /** Undoes changes to files that Git knows, and removes those it does not; with `-x` also the ignored ones. */
  async clean(ignoredToo: boolean): Promise<void> {
    if ((await this.head()) !== null) await this.#git.run(this.directory, 'reset', '--hard', '--quiet');
    await this.#git.run(this.directory, 'clean', ignoredToo ? '-ffdx' : '-ffd');
  }

  /** Brings the submodules to what the commit wants; `clean` as for the repository itself. */
  async updateSubmodules(clean: 'no' | 'untracked' | 'ignoredToo'): Promise<void> {
    const { depth } = this.#options;
    await this.#git.run(this.directory, 'submodule', 'sync', '--recursive');
    const args = [
      '--init',
      '--recursive',
      '--force',
      '--progress',
      ...(depth === null ? [] : ['--depth', String(depth)]),
    ];
    await this.#git.persistently(() => this.#git.run(this.directory, 'submodule', 'update', ...args));
    if (clean === 'no') return;
    const command = `git clean ${clean === 'ignoredToo' ? '-ffdx' : '-ffd'}`;
    await this.#git.run(this.directory, 'submodule', 'foreach', '--recursive', command);
  }

  async describe(args: readonly string[]): Promise<string | null> {
    const answer = await this.#git.answer(this.directory, 'describe', ...args, 'HEAD');
    if (answer === null) this.#git.say(`git describe ${args.join(' ')}: nothing describes this commit`);
    return answer;
  }

  async #obtainObject(revision: string, fresh: boolean): Promise<string> {
    const present = await this.#find(revision);
    if (present !== null && (fresh || !this.#options.tags)) return present;
    return await this.#git.persistently(async () => {
      const found = await this.#fetchObject(revision);
      if (found !== null) return found;
      const { repository, branch } = this.#source;
      const place = branch === null ? '' : ` (branch ${branch})`;
      throw new Failure('revision_not_found', `there is no revision ${revision} in ${repository}${place}`);
    });
  }

  /** Asks for a revision in every way there is, the cheapest first, until it is there. */
  async #fetchObject(revision: string): Promise<string | null> {
    const { depth } = this.#options;
    const name = this.#source.branch ?? 'HEAD';
    const byItself = () => this.#fetch(this.#depthArguments(), [revision]);
    const byBranch = () => this.#fetchName(name);
    const byAll = async () =>
      await this.#fetch(await this.#unshallow(), [ALL_BRANCHES, ...(name.startsWith('refs/') ? [name] : [])]);
    const single = isFullObjectName(revision) ? [byItself] : [];
    const ways = depth === null ? [byBranch, ...single, byAll] : [...single, byBranch, byAll];
    let failure: GitFailure | null = null;
    for (const way of ways) {
      failure = await settle(way);
      const found = await this.#find(revision);
      if (found !== null) return found;
    }
    if (failure !== null) throw failure;
    return null;
  }

  /** A branch before a tag of the same name, which anybody might push. */
  async #fetchName(name: string): Promise<void> {
    const args = [...this.#depthArguments(), ...(this.#options.depth === null ? await this.#unshallow() : [])];
    if (name === 'HEAD' || name.startsWith('refs/')) return await this.#fetch(args, [name]);
    const failure = await settle(() => this.#fetch(args, [`refs/heads/${name}`]));
    if (failure !== null) await this.#fetch(args, [`refs/tags/${name}`]);
  }

  async #fetch(args: readonly string[], refspecs: readonly string[]): Promise<void> {
    const tags = this.#options.tags ? ['--tags'] : [];
    await this.#git.run(this.directory, 'fetch', '--force', '--progress', ...tags, ...args, 'origin', ...refspecs);
  }

  #depthArguments(): string[] {
    const { depth } = this.#options;
    return depth === null ? [] : ['--depth', String(depth)];
  }

  /** A clone that was shallow once is made whole where nobody wants it shallow any more. */
  async #unshallow(): Promise<string[]> {
    const shallow = await lstatOrNull(join(this.directory, '.git', 'shallow'));
    return shallow === null ? [] : ['--unshallow'];
  }

  async #commit(name: string): Promise<string> {
    const commit = await this.#find(name);
    if (commit !== null) return commit;
    throw new Failure('no_commits', `${this.#source.repository} has no commit to check out (${name})`);
  }

  /** Object name of a commit that is here. */
  #find(name: string): Promise<string | null> {
    return this.#git.answer(this.directory, 'rev-parse', '--verify', '--quiet', `${name}^{commit}`);
  }
}

/** The failure of a process that ended by itself, to be looked at; throws all else. */
async function settle(work: () => Promise<void>): Promise<GitFailure | null> {
  try {
    await work();
    return null;
  } catch (error) {
    if (error instanceof GitFailure && error.byItself) return error;
    throw error;
  }
}
