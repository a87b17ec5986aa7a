import type { Commit } from '@icefall/shared';
import { z } from 'zod';
import { MOST_COMMITS, MOST_FILES } from './git-commits.ts';
import { changeProperties, type NewChange } from './new-change.ts';

/** Headers of a request, names in lower case. */
export type HookHeaders = Readonly<Record<string, string | undefined>>;

/** What one code host's webhooks look like. */
export interface Dialect {
  /** Whether the request was made by somebody who has the secret. */
  readonly isSigned: (headers: HookHeaders, body: Buffer, secret: string) => boolean;
  /** The same for a delivery that is tried again; null: the host said none. Nothing vouches for it: it is not signed. */
  readonly deliveryId: (headers: HookHeaders) => string | null;
  /** The body alone is signed, and holds the time of the push: the same bytes are the same delivery, under whatever id. */
  readonly isKnownByBody?: true;
  /** The kind of event by its header; null: there is none, so it is no delivery of this host. */
  readonly event: (headers: HookHeaders) => string | null;
  /** Events that may be pushes, or pull requests with new commits. */
  readonly pushes: readonly string[];
  /** When it was signed (ms since the epoch, NaN for nonsense), where that is signed as well: an old one is refused. */
  readonly signedAt?: (headers: HookHeaders) => number;
  /** Reads a push, or says why it is none. Throws ZodError. */
  readonly read: (payload: unknown, event: string) => HookPush | { readonly ignored: string };
}

/** A push as a code host tells it. */
export interface HookPush {
  readonly ref: string;
  readonly after: string;
  /** The commit at `after`; an annotated tag is another object. */
  readonly revision: string;
  readonly commits: readonly HookCommit[];
  /** The commit at `revision`, where the host tells it apart. */
  readonly head: HookCommit | null;
  /** Commits of the push, also those that the host did not list; null: the host does not count them. */
  readonly total: number | null;
  /** Addresses of the repository; the first one is used where the site knows none of them. */
  readonly addresses: readonly string[];
  /** Who pushed: the author of a push without commits. */
  readonly pusher: string;
  readonly link: string | null;
  /** What stands for the message where no commit is told. */
  readonly title?: string;
  /** Set where it is the tip of a pull request. */
  readonly pull?: HookPull;
}

/** A pull request as a code host tells it. */
export interface HookPull {
  readonly number: number;
  /** The branch that it is for. */
  readonly base: string;
  /** From another repository: from somebody who need not be allowed to push here. */
  readonly isFork: boolean;
}

/** What all three hosts say of a person. */
export const personSchema = z.object({ name: z.string().nullish(), email: z.string().nullish() });
const names = z
  .array(z.string())
  .nullish()
  .transform((value) => value ?? []);
/** What all three hosts say of a commit. */
export const hookCommitSchema = z.object({
  id: z.string().min(1),
  message: z.string(),
  timestamp: z.string().nullish(),
  author: personSchema,
  committer: personSchema.nullish(),
  added: names,
  modified: names,
  removed: names,
});
export type HookCommit = z.infer<typeof hookCommitSchema>;

/** Longest message, author or link that is kept, in characters; as in {@link MOST_COMMITS}, enough to read. */
const LONGEST_MESSAGE = 100_000;
const LONGEST_OTHER_MESSAGE = 2000;
const LONGEST_NAME = 500;
const LONGEST_LINK = 2000;

/** A revision of zeros: the reference is not there. */
export function isNoRevision(revision: string): boolean {
  return /^0+$/.test(revision);
}

/** `Ada <ada@example.org>`, as far as it is known. */
export function personOf(person: { name?: string | null | undefined; email?: string | null | undefined }): string {
  const name = person.name ?? '';
  const email = person.email ?? '';
  if (email === '') return cut(name === '' ? 'unknown' : name, LONGEST_NAME);
  return cut(name === '' ? email : `${name} <${email}>`, LONGEST_NAME);
}

/** The branch of a reference; a tag's, and a pull request's, is its whole name, so that it is never taken for a branch. Null: none. */
export function branchOf(ref: string): { branch: string; isTag: boolean } | null {
  if (ref.startsWith('refs/heads/')) return { branch: ref.slice('refs/heads/'.length), isTag: false };
  if (/^refs\/(pull|merge-requests)\/\d+\/head$/.test(ref)) return { branch: ref, isTag: false };
  return ref.startsWith('refs/tags/') ? { branch: ref, isTag: true } : null;
}

/** The commit at the push's end; null: the host told none. */
export function newestOf(push: HookPush): HookCommit | null {
  return push.head ?? push.commits.find(({ id }) => id === push.revision) ?? push.commits.at(-1) ?? null;
}

/** Of a push what its commits tell: one change, whatever their number. */
export function toldByCommits(
  push: HookPush,
): Pick<
  NewChange,
  'author' | 'committer' | 'message' | 'files' | 'commits' | 'revision' | 'link' | 'at' | 'properties'
> {
  const newest = newestOf(push);
  const all = ordered(push, newest);
  const listed = all.slice(-MOST_COMMITS);
  const files = [...new Set(all.flatMap((commit) => [...commit.added, ...commit.modified, ...commit.removed]))].sort();
  const total = Math.max(push.total ?? 0, all.length);
  const marks = [
    ...(total > listed.length ? [`${listed.length} of ${total} commits are listed`] : []),
    ...(total > all.length ? ['the files of the others are not known'] : []),
    ...(files.length > MOST_FILES ? [`${MOST_FILES} of ${files.length} files are listed`] : []),
  ];
  return {
    author: newest === null ? push.pusher : personOf(newest.author),
    committer: newest?.committer ? personOf(newest.committer) : null,
    message: cut((newest?.message ?? push.title ?? '').trimEnd(), LONGEST_MESSAGE),
    revision: push.revision,
    files: files.slice(0, MOST_FILES),
    commits: listed.map((commit) => commitOf(commit, commit === newest ? LONGEST_MESSAGE : LONGEST_OTHER_MESSAGE)),
    link: linkOf(push.link),
    at: newest === null ? null : timeOf(newest.timestamp),
    properties: changeProperties({
      ...(marks.length === 0 ? {} : { truncated: marks.join('; ') }),
      ...(push.pull === undefined ? {} : { pull_request: push.pull.number, pull_request_base: push.pull.base }),
    }),
  };
}

/** Oldest first. Gitea lists the newest first; a push that brings nothing new is told by the commit it is at. */
function ordered(push: HookPush, newest: HookCommit | null): HookCommit[] {
  const isReversed = push.commits.length > 1 && push.commits[0]?.id === push.revision;
  const all = isReversed ? push.commits.toReversed() : [...push.commits];
  const rest = newest === null ? all : all.filter((commit) => commit.id !== newest.id);
  return newest === null ? rest : [...rest, newest];
}

function commitOf(commit: HookCommit, longest: number): Commit {
  return {
    revision: commit.id,
    author: personOf(commit.author),
    message: cut(commit.message.trimEnd(), longest),
    at: timeOf(commit.timestamp) ?? 0,
  };
}

function timeOf(text: string | null | undefined): number | null {
  const at = Date.parse(text ?? '');
  return Number.isNaN(at) ? null : at;
}

/** Links are shown to people: only what leads to a web page is taken. */
function linkOf(text: string | null): string | null {
  return text !== null && text.length <= LONGEST_LINK && /^https?:\/\//.test(text) ? text : null;
}

function cut(text: string, longest: number): string {
  return text.length <= longest ? text : `${text.slice(0, longest - 1)}…`;
}
