import type { GitPollerDeclaration } from '../config/changes.ts';
import type { Core } from '../engine/core.ts';
import { ChangeError, type Changes } from './changes.ts';
import { type Git, withoutPasswords } from './git.ts';
import { type Pushed, readPushed } from './git-commits.ts';
import { compareHeads, type Heads, wantedHeads } from './git-heads.ts';
import { GitMirror } from './git-mirror.ts';
import { changeProperties, type NewChange } from './new-change.ts';
import { SourceState } from './source-state.ts';

/** Where the last poll looked; the other keys are references. */
const SCOPE = 'scope';
const HEADS = 'refs/heads/';

interface BranchMovement {
  readonly branch: string;
  readonly from: string | null;
  readonly to: string;
}

/** What one poller does; the clock is not its business. */
export class GitPoller {
  readonly #core: Core;
  readonly #changes: Changes;
  readonly #declaration: GitPollerDeclaration;
  readonly #mirror: GitMirror;
  readonly #state: SourceState;
  readonly #source: string;

  /** `directory`: for its mirror. `abort` ends a running poll. */
  constructor(
    core: Core,
    changes: Changes,
    declaration: GitPollerDeclaration,
    place: { readonly directory: string; readonly abort: AbortSignal },
  ) {
    this.#core = core;
    this.#changes = changes;
    this.#declaration = declaration;
    this.#mirror = new GitMirror(place.directory, place.abort);
    this.#source = `gitPoller:${declaration.name}`;
    this.#state = new SourceState(core, this.#source);
  }

  /**
   * Asks the remote once, and makes a change of every push since the last time. Where a branch was is stored in the turn
   * that stores the change, so a crash at any moment neither loses a push nor tells it twice. One branch that cannot be
   * read does not keep the others from being. Throws what the first one that failed did.
   */
  async poll(): Promise<void> {
    const { repository, branches, history } = this.#declaration;
    const newestChange = this.#changes.newestId();
    const remote = await this.#mirror.remoteHeads(repository);
    if (branches === null && remote.defaultBranch === null && remote.heads.size > 0)
      throw new Error(`${withoutPasswords(repository)} does not say which branch is its default; name the branches`);
    const wanted = wantedHeads(remote, branches);
    const { known, isNewScope } = this.#known();
    const seen = compareHeads(known, wanted, isNewScope && !history);
    this.#settle(seen.noted, seen.gone, wanted);
    // What is only noted is fetched as well: if it is forced away next, its old place must be known.
    if (seen.moved.length === 0 && seen.noted.length === 0) return;
    const fetched = await this.#mirror.fetch(repository, [...wanted.keys()]);
    const movements = seen.moved.flatMap(({ branch, from }) => {
      const to = fetched.get(branch);
      return to === undefined ? [] : [{ branch, from, to }];
    });
    await this.#tellAll(movements, newestChange);
  }

  /** Where the branches were, as far as the last poll looked at this repository. */
  #known(): { known: Heads; isNewScope: boolean } {
    const { repository } = this.#declaration;
    const stored = this.#state.all();
    const scope = stored.get(SCOPE);
    if (scope === undefined || JSON.parse(scope).repository !== repository)
      return { known: new Map(), isNewScope: true };
    const heads = [...stored].filter(([key]) => key.startsWith(HEADS));
    return {
      known: new Map(heads.map(([key, revision]) => [key.slice(HEADS.length), revision])),
      isNewScope: scope !== this.#scope(),
    };
  }

  /** Where it looks: a repository's branches. */
  #scope(): string {
    const { repository, branches } = this.#declaration;
    return JSON.stringify({ repository, branches: branches instanceof RegExp ? String(branches) : branches });
  }

  /** Notes what is no push: branches met for the first time, branches that are gone, and where it looked. */
  #settle(noted: readonly string[], gone: readonly string[], heads: Heads): void {
    const { repository } = this.#declaration;
    const scope = this.#scope();
    this.#core.turn(() => {
      const before = this.#state.all().get(SCOPE);
      if (before !== undefined && JSON.parse(before).repository !== repository) this.#state.clear();
      if (before !== scope) this.#state.set(SCOPE, scope);
      for (const branch of noted) this.#state.set(`${HEADS}${branch}`, heads.get(branch) ?? '');
      for (const branch of gone) this.#state.remove(`${HEADS}${branch}`);
    });
  }

  async #tellAll(movements: readonly BranchMovement[], newestChange: number): Promise<void> {
    const git = await this.#mirror.open();
    const failures: unknown[] = [];
    for (const movement of movements) {
      try {
        await this.#tell(git, movement, newestChange);
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }

  async #tell(git: Git, { branch, from, to }: BranchMovement, newestChange: number): Promise<void> {
    const pushed = await readPushed(git, { ref: `${HEADS}${branch}`, from, to });
    const change = this.#changeOf(branch, pushed);
    this.#core.turn(() => {
      this.#state.set(`${HEADS}${branch}`, to);
      try {
        this.#changes.add(change, newestChange);
      } catch (error) {
        // Refused today, refused at every poll: it is noted as seen.
        if (!(error instanceof ChangeError)) throw error;
        this.#core.log.warn({ poller: this.#declaration.name, branch, revision: to }, error.message);
      }
    });
  }

  #changeOf(branch: string, pushed: Pushed): NewChange {
    const { repository, codebase, project, category } = this.#declaration;
    const newest = pushed.commits.at(-1) ?? pushed.commits[0];
    return {
      repository,
      branch,
      revision: pushed.revision,
      author: newest.author,
      committer: pushed.committer,
      message: newest.message,
      files: pushed.files,
      commits: pushed.commits,
      codebase,
      project,
      category,
      link: null,
      properties: changeProperties(pushed.truncated === null ? {} : { truncated: pushed.truncated }),
      source: this.#source,
      deliveryId: null,
      at: newest.at,
    };
  }
}
