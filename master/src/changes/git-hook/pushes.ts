import type { SendChange } from '@icefall/shared';
import { type Git, GitError } from '../git.ts';
import { type Pushed, readPushed } from '../git-commits.ts';
import { RefMemory, type RefUpdate } from './memory.ts';
import type { HookSettings } from './settings.ts';
import type { RawPush } from './spool.ts';

/** Longest request: below what the master's door takes. Of a larger push the oldest commits and some files are left out. */
export const MOST_BODY_BYTES = 900_000;
const LONGEST_NAME = 500;

/** The changes of a push, one for each reference, and what the pusher should know. */
export interface ReadPush {
  readonly changes: readonly SendChange[];
  readonly remarks: readonly string[];
}

/** Reads a push: branches and tags that are new or were moved. Deleted ones and other references are passed over. */
export async function readPush(git: Git, state: string, settings: HookSettings, push: RawPush): Promise<ReadPush> {
  const memory = new RefMemory(state);
  const changes: SendChange[] = [];
  const remarks: string[] = [];
  for (const update of push.lines.flatMap(parseLine)) {
    if (isZero(update.to)) {
      memory.forget(update.ref);
      continue;
    }
    const pushed = await whatCame(git, update);
    if (typeof pushed === 'string') remarks.push(pushed);
    const deliveryId = memory.deliveryId(settings.repository, update, push.name);
    if (typeof pushed !== 'string') changes.push(bounded(changeOf(settings, update.ref, pushed, deliveryId)));
    // The branch is there; what it brought can be read by a person.
    else if (isBranch(update.ref)) changes.push(changeOf(settings, update.ref, { revision: update.to }, deliveryId));
  }
  return { changes, remarks };
}

function parseLine(line: string): RefUpdate[] {
  const [, from, to, ref] = /^([0-9a-f]{40,64}) ([0-9a-f]{40,64}) (refs\/(?:heads|tags)\/.+)$/.exec(line) ?? [];
  return from === undefined || to === undefined || ref === undefined ? [] : [{ from, to, ref }];
}

function isZero(revision: string): boolean {
  return /^0+$/.test(revision);
}

function isBranch(ref: string): boolean {
  return ref.startsWith('refs/heads/');
}

/** What a movement brought, or why that cannot be told. */
async function whatCame(git: Git, { ref, from, to }: RefUpdate): Promise<Pushed | string> {
  try {
    return await readPushed(git, { ref, from: isZero(from) ? null : from, to });
  } catch (error) {
    if (!(error instanceof GitError)) throw error;
    return `the commits of ${ref} cannot be read: ${error.message.split('\n', 1)[0]}`;
  }
}

type Known = Pushed | { readonly revision: string };

function changeOf(settings: HookSettings, ref: string, pushed: Known, deliveryId: string): SendChange {
  const { repository, codebase, project } = settings;
  const commits = 'commits' in pushed ? pushed.commits : [];
  const newest = commits.at(-1);
  const truncated = 'truncated' in pushed ? pushed.truncated : 'the commits are not known';
  return {
    repository,
    branch: isBranch(ref) ? ref.slice('refs/heads/'.length) : ref,
    revision: pushed.revision,
    author: (newest?.author ?? 'unknown').slice(0, LONGEST_NAME),
    committer: 'committer' in pushed ? pushed.committer.slice(0, LONGEST_NAME) : null,
    message: newest?.message ?? '',
    files: 'files' in pushed ? [...pushed.files] : [],
    commits: [...commits],
    codebase,
    project,
    category: isBranch(ref) ? null : 'tag',
    link: null,
    properties: truncated === null ? {} : { truncated },
    ...(newest === undefined ? {} : { at: newest.at }),
    deliveryId,
  };
}

/** The change, short enough to be sent. */
export function bounded(change: SendChange): SendChange {
  let { commits, files } = change;
  const whole = { commits: commits.length, files: files.length };
  const build = (): SendChange => {
    if (commits.length === whole.commits && files.length === whole.files) return change;
    const listed = `${commits.length} of ${whole.commits} commits and ${files.length} of ${whole.files} files are listed`;
    return { ...change, commits, files, properties: { ...change.properties, truncated: listed } };
  };
  let shorter = build();
  while (Buffer.byteLength(JSON.stringify(shorter)) > MOST_BODY_BYTES && commits.length + files.length > 1) {
    const isFiles = bytesOf(files) > bytesOf(commits);
    if (isFiles) files = files.slice(0, Math.floor(files.length / 2));
    else commits = commits.slice(Math.ceil(commits.length / 2));
    shorter = build();
  }
  return shorter;
}

function bytesOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}
