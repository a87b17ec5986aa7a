import { z } from 'zod';
import { type Duration, positiveDurationSchema } from './durations.ts';
import { nameSchema } from './names.ts';
import { callerPlace, nameOf, type Place, reportIssues, titleOf, usable } from './problems.ts';
import { type TokenSource, tokenSourceSchema } from './workers.ts';

/** A Git repository that the master asks for new commits: the fallback where no hook reaches it. */
export interface GitPollerOptions {
  readonly name?: string;
  readonly repository: string;
  /** Branch names, a pattern found at a name's beginning, or true for all. Default: the remote's default branch. */
  readonly branches?: readonly string[] | RegExp | true;
  /** Default 5 minutes. */
  readonly every?: Duration;
  /** Also ask when the master starts. Default true: pushes that came while it was down are found. */
  readonly atStart?: boolean;
  /** Also make a change of each branch that it meets when it looks for the first time. Default false: only noted. */
  readonly history?: boolean;
  readonly codebase?: string;
  readonly project?: string;
  readonly category?: string;
}

export interface GitPollerDeclaration {
  readonly type: 'gitPoller';
  readonly name: string;
  readonly repository: string;
  readonly branches: readonly string[] | RegExp | true | null;
  readonly everyMs: number;
  readonly atStart: boolean;
  readonly history: boolean;
  readonly codebase: string;
  readonly project: string;
  readonly category: string | null;
  readonly place: Place | null;
}

const pollerSchema = z.strictObject({
  name: nameSchema.optional(),
  repository: z.string().min(1),
  branches: z
    .union(
      [z.array(z.string().min(1)).min(1), z.instanceof(RegExp), z.literal(true)],
      'must be a list of branches, a regular expression, or true for all',
    )
    .optional(),
  every: positiveDurationSchema.default(300_000),
  atStart: z.boolean().default(true),
  history: z.boolean().default(false),
  codebase: z.string().default(''),
  project: z.string().default(''),
  category: z.string().optional(),
});

/** Declares a Git poller. */
export function gitPoller(options: GitPollerOptions): GitPollerDeclaration {
  const place = callerPlace();
  const parsed = pollerSchema.safeParse(options);
  if (!parsed.success) reportIssues(place, titleOf('gitPoller', options), options, parsed.error.issues);
  const given = usable(pollerSchema, options);
  const repository = given.repository ?? '';
  return Object.freeze({
    type: 'gitPoller',
    name: nameOf(options) || nameOfPoller(repository),
    repository,
    branches: given.branches ?? null,
    everyMs: pollerSchema.shape.every.parse(given.every),
    atStart: given.atStart ?? true,
    history: given.history ?? false,
    codebase: given.codebase ?? '',
    project: given.project ?? '',
    category: given.category ?? null,
    place,
  });
}

/** `poll-scripts` for `https://host/group/scripts.git`. */
function nameOfPoller(repository: string): string {
  const last = repository
    .replace(/\/+$/, '')
    .replace(/^.*[/:]/, '')
    .replace(/\.git$/, '');
  return last === '' ? '' : `poll-${last.replace(/[^A-Za-z0-9_.+-]/g, '-').slice(0, 90)}`;
}

export const HOOK_DIALECTS = ['github', 'gitlab', 'gitea', 'generic'] as const;
export type HookDialect = (typeof HOOK_DIALECTS)[number];

export interface WebhookOptions {
  /** Signing secrets; more than one while they are being rotated. Without any, only requests from loopback are taken. */
  readonly secrets?: readonly TokenSource[];
  readonly codebase?: string;
  readonly project?: string;
  /** A push whose newest commit message matches is not built. Default: `[skip ci]` and `[ci skip]`. */
  readonly skip?: readonly RegExp[];
  /**
   * The repository address to use, by any address or full name in the payload. Default: the payload's address that the
   * site names elsewhere (in a poller, a scheduler's filter or code base), else the one for HTTPS.
   */
  readonly repositories?: Readonly<Record<string, string>>;
  /**
   * Also take pull requests: changes of category `pullRequest`, or `fork` where they come from another repository. Only
   * schedulers that name such a category build them. Default false.
   */
  readonly pullRequests?: boolean;
}

/** Receives pushes at `/hooks/DIALECT`. */
export interface WebhookDeclaration {
  readonly type: 'webhook';
  readonly dialect: HookDialect;
  readonly secrets: readonly TokenSource[];
  readonly codebase: string;
  readonly project: string;
  readonly skip: readonly RegExp[];
  readonly repositories: Readonly<Record<string, string>>;
  readonly pullRequests: boolean;
  readonly place: Place | null;
}

const webhookSchema = z.strictObject({
  secrets: z.array(tokenSourceSchema).default([]),
  codebase: z.string().default(''),
  project: z.string().default(''),
  skip: z.array(z.instanceof(RegExp)).default([/\[(skip ci|ci skip)\]/i]),
  repositories: z.record(z.string(), z.string()).default({}),
  pullRequests: z.boolean().default(false),
});

/** Declares the webhook of a code host. */
export function webhook(dialect: HookDialect, options: WebhookOptions = {}): WebhookDeclaration {
  const place = callerPlace();
  const named = z.enum(HOOK_DIALECTS).safeParse(dialect);
  if (!named.success) reportIssues(place, 'webhook', dialect, named.error.issues);
  const parsed = webhookSchema.safeParse(options);
  if (!parsed.success) reportIssues(place, `webhook "${dialect}"`, options, parsed.error.issues);
  return Object.freeze({ type: 'webhook', dialect, ...(parsed.data ?? webhookSchema.parse({})), place });
}
