import type { Commit } from '@icefall/shared';
import type { Git } from './git.ts';

/** Newest commits of a push that are listed; an import of a history is no reading matter. */
export const MOST_COMMITS = 1000;
/** Files of a push that are listed: enough to tell what is important. */
export const MOST_FILES = 10_000;
/** Longest message of the newest commit, and of the others, in characters. */
const LONGEST_MESSAGE = 100_000;
const LONGEST_OTHER_MESSAGE = 2000;

/** One movement of a reference. */
export interface Movement {
  /** `refs/heads/NAME` or `refs/tags/NAME`. */
  readonly ref: string;
  /** Null: the reference is new, or where it was is not known. */
  readonly from: string | null;
  readonly to: string;
}

/** What a movement brought. */
export interface Pushed {
  /** Where it ended: a commit, also for an annotated tag. */
  readonly revision: string;
  /** Oldest first; the newest is the one at `revision`. Never empty. */
  readonly commits: readonly [Commit, ...Commit[]];
  readonly committer: string;
  readonly files: readonly string[];
  /** What was left out because there was too much of it, for people; null: nothing. */
  readonly truncated: string | null;
}

const FIELDS = '%H%x1f%an <%ae>%x1f%cn <%ce>%x1f%ct%x1f%B';

/**
 * Reads what a movement brought. Commits are those that its old place had not; of a new reference, those that no other
 * branch has; if there are none (a branch was made, or moved back), the one commit it is at. Files are those that
 * differ between old and new place; of a new reference, those that its commits touch. Throws GitError.
 */
export async function readPushed(git: Git, movement: Movement): Promise<Pushed> {
  const revision = (await git.run('rev-parse', '--verify', '--end-of-options', `${movement.to}^{commit}`)).trim();
  const from = await knownCommit(git, movement.from);
  const others = [`--exclude=${movement.ref}`, '--glob=refs/heads'];
  const range = [revision, '--not', ...(from === null ? others : [from])];
  // One more than is listed, to tell whether there are more.
  const found = await readCommits(git, [`--max-count=${MOST_COMMITS + 1}`, ...range]);
  const own = found.slice(-MOST_COMMITS);
  const tip = own.at(-1) ?? (await readCommits(git, ['--max-count=1', revision])).at(-1);
  if (tip === undefined) throw new Error(`git log of ${revision} told nothing`);
  const older = own.slice(0, -1).map(({ commit }) => shortened(commit, LONGEST_OTHER_MESSAGE));
  const newest = shortened(tip.commit, LONGEST_MESSAGE);
  const [first = newest, ...rest] = [...older, newest];
  const files = await readFiles(git, own.length === 0 && from === null ? ['--max-count=1', revision] : range, from);
  const marks = [
    ...(found.length > own.length ? [`the newest ${own.length} commits are listed`] : []),
    ...(files.length > MOST_FILES ? [`${MOST_FILES} of ${files.length} files are listed`] : []),
  ];
  return {
    revision,
    commits: [first, ...rest],
    committer: tip.committer,
    files: files.slice(0, MOST_FILES),
    truncated: marks.length === 0 ? null : marks.join('; '),
  };
}

async function knownCommit(git: Git, revision: string | null): Promise<string | null> {
  if (revision === null) return null;
  return (await git.succeeds('cat-file', '-e', `${revision}^{commit}`)) ? revision : null;
}

async function readCommits(git: Git, selection: readonly string[]) {
  const options = ['-z', '--reverse', '--topo-order', '--no-show-signature', '--encoding=UTF-8', `--format=${FIELDS}`];
  const text = await git.run('log', ...options, ...selection);
  return text.split('\0').filter(Boolean).map(parseCommit);
}

function parseCommit(text: string): { commit: Commit; committer: string } {
  const [revision = '', author = '', committer = '', seconds = '', ...message] = text.split('\x1f');
  const at = Number(seconds) * 1000;
  return { commit: { revision, author, message: message.join('\x1f').trimEnd(), at }, committer };
}

function shortened(commit: Commit, longest: number): Commit {
  return commit.message.length <= longest ? commit : { ...commit, message: `${commit.message.slice(0, longest - 1)}…` };
}

async function readFiles(git: Git, range: readonly string[], from: string | null): Promise<string[]> {
  const names = ['-z', '--name-only', '--no-renames'];
  const text =
    from === null
      ? await git.run(
          'log',
          ...names,
          '--format=',
          '--diff-merges=first-parent',
          `--max-count=${MOST_COMMITS}`,
          ...range,
        )
      : await git.run('diff-tree', '-r', ...names, from, range[0] ?? 'HEAD');
  return [...new Set(text.split('\0').filter(Boolean))].sort();
}
