import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Git } from './git.ts';
import { type Heads, parseRemoteHeads, type RemoteHeads } from './git-heads.ts';

/** Fetches that may fail one after the other, while the remote answers, before the mirror is taken for broken. */
const FETCHES_BEFORE_RENEWAL = 3;

/** A bare copy of a remote repository, with the branches that are polled: from it the commits of a push are read. */
export class GitMirror {
  readonly #directory: string;
  readonly #abort: AbortSignal;
  #failedFetches = 0;

  constructor(directory: string, abort: AbortSignal) {
    this.#directory = directory;
    this.#abort = abort;
  }

  /** The mirror, made if it is not there. Throws GitError. */
  async open(): Promise<Git> {
    mkdirSync(this.#directory, { recursive: true });
    const git = new Git(this.#directory, this.#abort);
    if (!existsSync(join(this.#directory, 'HEAD'))) await git.run('init', '--quiet', '--bare');
    return git;
  }

  /** Asks the remote for its branches; nothing is copied. Throws GitError. */
  async remoteHeads(repository: string): Promise<RemoteHeads> {
    const git = await this.open();
    return parseRemoteHeads(await git.run('ls-remote', '--symref', '--', repository, 'HEAD', 'refs/heads/*'));
  }

  /**
   * Copies branches, and removes all others (one named `a` would stand in the way of one named `a/b`). Gives where they
   * are now, which may be further than asked for. A mirror into which nothing can be fetched though the remote answers
   * is made anew at the next poll. Throws GitError.
   */
  async fetch(repository: string, branches: readonly string[]): Promise<Heads> {
    const git = await this.open();
    const refspecs = branches.map((branch) => `+refs/heads/${branch}:refs/heads/${branch}`);
    try {
      for (const branch of (await headsIn(git)).keys())
        if (!branches.includes(branch)) await git.run('update-ref', '-d', `refs/heads/${branch}`);
      const options = ['--quiet', '--no-tags', '--force', '--no-write-fetch-head', '--no-recurse-submodules'];
      for (const some of chunks(refspecs)) await git.run('fetch', ...options, '--', repository, ...some);
    } catch (error) {
      this.#failedFetches += 1;
      if (this.#failedFetches >= FETCHES_BEFORE_RENEWAL && !this.#abort.aborted) this.#remove();
      throw error;
    }
    this.#failedFetches = 0;
    return headsIn(git);
  }

  #remove(): void {
    this.#failedFetches = 0;
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

async function headsIn(git: Git): Promise<Heads> {
  return parseRemoteHeads(await git.run('for-each-ref', '--format=%(objectname)%09%(refname)', 'refs/heads')).heads;
}

/** Branches in one command: far below what a command line may hold. */
const MOST_REFSPECS = 500;

function chunks(refspecs: readonly string[]): string[][] {
  const count = Math.ceil(refspecs.length / MOST_REFSPECS);
  return Array.from({ length: count }, (_, i) => refspecs.slice(i * MOST_REFSPECS, (i + 1) * MOST_REFSPECS));
}
