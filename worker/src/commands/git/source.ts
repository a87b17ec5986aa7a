import { isAbsolute, resolve } from 'node:path';
import type { GitCommand } from '@icefall/shared';
import { Failure } from '../../failure.ts';

/** What Git may speak to a repository: above all not `ext::`, which runs any program. */
export const ALLOWED_PROTOCOLS = 'file:git:http:https:ssh';

/** The same for submodules, whose addresses are content of the repository. */
export const REMOTE_PROTOCOLS = 'git:http:https:ssh';

/** Whether a repository is on this machine: its submodules may be, too. */
export function isLocalRepository(repository: string): boolean {
  return repository.startsWith('file:') || !repository.includes(':');
}

/** Where and what to check out: names that were found harmless, since they come from pushes and web hooks. */
export interface GitSource {
  /** A URL, `host:path`, or an absolute path. */
  readonly repository: string;
  /** Name of a branch or tag, or a full name (`refs/…`); null for the default branch. */
  readonly branch: string | null;
  /** Null for the tip of the branch. */
  readonly revision: string | null;
}

/** A merge commit that the server makes anew for every push: what was it when the hook came is not to be had later. */
const MERGE_REF = /^refs\/pull\/\d+\/merge$/;
const TRANSPORT_HELPER = /^[A-Za-z0-9+.-]+::/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const CONTROL = /[\x00-\x1f\x7f]/;
// Rules of git-check-ref-format(1).
const BAD_IN_REF = /[ ~^:?*[\\]|\.\.|@\{|\/\/|\/$|\.lock(\/|$)|(^|\/)\.|\.$|^@$/;
const BAD_IN_REVISION = /[ :?*[\\]|\.\./;

/** Throws {@link Failure} `bad_repository`, `bad_branch` or `bad_revision`. */
export function gitSource(command: GitCommand, buildDirectory: string): GitSource {
  const { branch } = command;
  const revision = branch !== null && MERGE_REF.test(branch) ? null : command.revision;
  if (branch !== null && (isOption(branch) || BAD_IN_REF.test(branch)))
    throw new Failure('bad_branch', `${JSON.stringify(branch)} cannot be the name of a branch`);
  if (revision !== null && (isOption(revision) || BAD_IN_REVISION.test(revision)))
    throw new Failure('bad_revision', `${JSON.stringify(revision)} cannot be the name of a revision`);
  return { repository: repositoryOf(command.repository, buildDirectory), branch, revision };
}

function repositoryOf(repository: string, buildDirectory: string): string {
  if (isOption(repository) || TRANSPORT_HELPER.test(repository))
    throw new Failure('bad_repository', `${JSON.stringify(repository)} cannot be the address of a repository`);
  const isPath = !repository.includes(':') && !isAbsolute(repository);
  return isPath ? resolve(buildDirectory, repository) : repository;
}

/** Begins like an option, or holds what no name has. `+` begins a refspec. */
function isOption(name: string): boolean {
  return name === '' || name.startsWith('-') || name.startsWith('+') || CONTROL.test(name);
}

/** An object name, perhaps abbreviated: the same for ever, so it is not fetched again where it is there. */
export function isObjectName(revision: string): boolean {
  return /^[0-9a-f]{7,64}$/i.test(revision);
}

/** A full object name can be asked for by itself. */
export function isFullObjectName(revision: string): boolean {
  return /^([0-9a-f]{40}|[0-9a-f]{64})$/i.test(revision);
}

/** Without the password or token that a URL may carry. */
export function withoutCredentials(text: string): string {
  return text.replace(/(:\/\/)[^/@\s]*@/g, '$1***@');
}
