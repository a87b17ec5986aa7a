import type { Build, Result, SourceStamp } from '@icefall/shared';
import type { CommitStatusReporter } from '../config/reporters.ts';
import { oneLine, type Report, verdictOf } from './report.ts';
import type { Post } from './transport.ts';

/** GitHub refuses longer ones; GitLab and Gitea take more. */
const LONGEST_DESCRIPTION = 140;
/** SHA-1 or SHA-256, whole: nothing else can be named, and nothing else fits into an address. */
const REVISION = /^([0-9a-f]{40}|[0-9a-f]{64})$/i;

/** A commit whose builds a code host shows. */
export interface Target {
  readonly project: string;
  readonly revision: string;
}

/** The commits of a build's sources that the reporter's code host knows. */
export function targetsOf(
  { url, project }: CommitStatusReporter,
  stamps: readonly Pick<SourceStamp, 'repository' | 'revision' | 'branch' | 'codebase' | 'project'>[],
): Target[] {
  const targets = stamps.flatMap((stamp) => {
    const { revision } = stamp;
    if (revision === null || !REVISION.test(revision)) return [];
    const name: unknown = project === null ? projectAt(url, stamp.repository) : project(stamp);
    if (name === null) return [];
    if (typeof name === 'string' && isProjectName(name)) return [{ project: name, revision }];
    throw new Error(`project() gave ${JSON.stringify(name)}; it must give a name such as group/project, or null`);
  });
  return [...new Map(targets.map((target) => [`${target.project} ${target.revision}`, target])).values()];
}

/** `group/project` of a repository's address, by HTTPS or SSH, where that is of the host; null where it is not. */
function projectAt(url: string, repository: string): string | null {
  const { hostname, pathname: below } = new URL(url);
  const isUrl = repository.includes('://') && URL.canParse(repository);
  const found = isUrl ? ofUrl(repository) : /^(?:[\w.-]+@)?([\w.-]+):(.*)$/.exec(repository);
  const [, host = '', path = ''] = found ?? [];
  if (host.toLowerCase() !== hostname) return null;
  const prefix = below.replace(/^\/|\/$/g, '');
  const name = path.replace(/^\/+|\/+$/g, '').replace(/\.git$/, '');
  const inner = prefix !== '' && name.startsWith(`${prefix}/`) ? name.slice(prefix.length + 1) : name;
  return isProjectName(inner) ? inner : null;
}

function ofUrl(repository: string): [string, string, string] {
  const { hostname, pathname } = new URL(repository);
  return [repository, hostname, pathname];
}

function isProjectName(name: string): boolean {
  return name.includes('/') && name.split('/').every((part) => /^(?![.]{1,2}$)[\w.+-]+$/.test(part));
}

/** The request that sets a status. */
export function statusPost(
  reporter: CommitStatusReporter,
  report: Pick<Report, 'build' | 'url' | 'previous'>,
  { project, revision }: Target,
  token: string,
): Post {
  const { builder, result } = report.build;
  const context = contextOf(reporter, builder);
  const description = oneLine(describe(report), LONGEST_DESCRIPTION);
  const json = { 'content-type': 'application/json', accept: 'application/json', 'user-agent': 'icefall' };
  switch (reporter.host) {
    case 'github':
      return {
        via: 'http',
        url: `${apiOfGitHub(reporter.url)}/repos/${project}/statuses/${revision}`,
        headers: { ...json, accept: 'application/vnd.github+json', authorization: `Bearer ${token}` },
        body: JSON.stringify({ state: stateOf(result), target_url: report.url, description, context }),
      };
    case 'gitea':
      return {
        via: 'http',
        url: `${reporter.url}/api/v1/repos/${project}/statuses/${revision}`,
        headers: { ...json, authorization: `token ${token}` },
        body: JSON.stringify({ state: stateOf(result), target_url: report.url, description, context }),
      };
    case 'gitlab':
      return {
        via: 'http',
        url: `${reporter.url}/api/v4/projects/${encodeURIComponent(project)}/statuses/${revision}`,
        headers: { ...json, 'private-token': token },
        body: JSON.stringify({ state: gitLabStateOf(result), target_url: report.url, description, name: context }),
        // GitLab refuses to set the state that a status has.
        toldBefore: 'Cannot transition status',
      };
  }
}

function contextOf({ context }: CommitStatusReporter, builder: string): string {
  const name: unknown = context === null ? `icefall/${builder}` : context(builder);
  if (typeof name === 'string' && name !== '') return oneLine(name, 200);
  throw new Error(`context() gave ${JSON.stringify(name)}; it must give text`);
}

function describe({ build, previous }: Pick<Report, 'build' | 'previous'>): string {
  const words = `#${build.number} ${verdictOf({ build, previous })}`;
  return build.result === null || build.summary === '' ? words : `${words}: ${build.summary}`;
}

/** An Enterprise Server has its API below its own address. */
function apiOfGitHub(url: string): string {
  return new URL(url).hostname === 'github.com' ? 'https://api.github.com' : `${url}/api/v3`;
}

function stateOf(result: Build['result']): 'pending' | 'success' | 'failure' | 'error' {
  switch (result) {
    case null:
    case 'RETRY':
      return 'pending';
    case 'SUCCESS':
    case 'WARNINGS':
    case 'SKIPPED':
      return 'success';
    case 'FAILURE':
      return 'failure';
    case 'EXCEPTION':
    case 'CANCELLED':
      return 'error';
  }
}

function gitLabStateOf(result: Result | null): string {
  if (result === null) return 'running';
  if (result === 'CANCELLED') return 'canceled';
  const state = stateOf(result);
  return state === 'error' || state === 'failure' ? 'failed' : state;
}
