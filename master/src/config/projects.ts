import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { type SecretReference, secretSchema } from '../secrets/reference.ts';
import { declared } from './declared.ts';
import { type Duration, positiveDurationSchema } from './durations.ts';
import type { LockDeclaration } from './locks.ts';
import { nameSchema } from './names.ts';
import { callerPlace, type Place, reportIssues, reportProblem, usable, valueAt } from './problems.ts';
import type { TriggerableScheduler } from './schedulers.ts';
import type { WorkerDeclaration } from './workers.ts';

/**
 * Whom a project lets build besides those who can push to it. `restricted` builds run only on the named platforms, get
 * no secrets and publish nothing; `trusted` ones are built as pushes are.
 */
export interface TrustOptions {
  /** Pull requests from branches of the repository itself; default `none`. */
  readonly pullRequests?: 'none' | 'restricted' | 'trusted';
  /** Pull requests from anybody's copy of it; default `none`. They are never trusted. */
  readonly forks?: 'none' | 'restricted';
  /** Platforms on which restricted builds may run. */
  readonly platforms?: readonly string[];
}

export interface ProjectOptions {
  /** Begins the names of its builders. */
  readonly name: string;
  readonly repository: string;
  /** Whose `icefall.yml` counts; default the repository's default branch. */
  readonly branch?: string;
  readonly trust?: TrustOptions;
}

/** Repositories that declare their own pipelines, and all that these may use. */
export interface ProjectsOptions {
  readonly repositories: readonly ProjectOptions[];
  /** The workers of each platform, by the name that pipelines use. */
  readonly platforms: Readonly<Record<string, readonly WorkerDeclaration[]>>;
  /** Locks that pipelines may take, by their own names. */
  readonly locks?: readonly LockDeclaration[];
  /** Secrets that steps may ask for, by the name of the variable in which they get them; the site's rules hold as well. */
  readonly secrets?: Readonly<Record<string, SecretReference>>;
  /** Schedulers that publish, by the name that pipelines use. They get the property `project`. */
  readonly publish?: Readonly<Record<string, TriggerableScheduler>>;
  /** Absolute directory on the master in which artifacts are kept; without it pipelines can keep none. */
  readonly artifacts?: string;
  /** How often every repository is asked whether its pipeline changed; default 10 minutes. Pushes tell of it at once. */
  readonly every?: Duration;
  /** How often each repository is polled for pushes, where no webhook tells of them; default never. */
  readonly poll?: Duration;
}

export interface TrustRule {
  readonly pullRequests: 'none' | 'restricted' | 'trusted';
  readonly forks: 'none' | 'restricted';
  readonly platforms: readonly string[];
}

export interface ProjectDeclaration {
  readonly name: string;
  readonly repository: string;
  /** Null: the repository's default branch. */
  readonly branch: string | null;
  readonly trust: TrustRule;
}

export interface ProjectsDeclaration {
  readonly type: 'projects';
  readonly repositories: readonly ProjectDeclaration[];
  readonly platforms: Readonly<Record<string, readonly WorkerDeclaration[]>>;
  readonly locks: readonly LockDeclaration[];
  readonly secrets: Readonly<Record<string, SecretReference>>;
  readonly publish: Readonly<Record<string, TriggerableScheduler>>;
  readonly artifacts: string | null;
  readonly everyMs: number;
  readonly pollMs: number | null;
  readonly place: Place | null;
}

/** Of variables of an environment. */
export const variableSchema = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]{0,99}$/, 'must be a name of a variable: letters, digits and _');

const projectSchema = z.strictObject({
  name: nameSchema.max(50, 'must have 50 characters at most: the names of its builders begin with it'),
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is refused.
  repository: z.string().regex(/^(?!-)[^\u0000-\u001f\u007f]{1,2000}$/, 'must be the address of a Git repository'),
  branch: z.string().min(1).optional(),
  trust: z
    .strictObject({
      pullRequests: z.enum(['none', 'restricted', 'trusted']).default('none'),
      forks: z.enum(['none', 'restricted']).default('none'),
      platforms: z.array(z.string()).default([]),
    })
    .default({ pullRequests: 'none', forks: 'none', platforms: [] }),
});

const optionsSchema = z.strictObject({
  repositories: z.array(projectSchema),
  platforms: z.record(
    nameSchema,
    z.array(declared<WorkerDeclaration>('worker', 'must be a worker(...)')).min(1, 'must name at least one worker'),
  ),
  locks: z.array(declared<LockDeclaration>('lock', 'must be a masterLock(...) or workerLock(...)')).default([]),
  secrets: z.record(variableSchema, secretSchema).default({}),
  publish: z
    .record(
      nameSchema,
      z.custom<TriggerableScheduler>(
        (value) => valueAt(value, ['kind']) === 'triggerable',
        'must be a triggerableScheduler(...)',
      ),
    )
    .default({}),
  artifacts: z.string().refine(isAbsolute, 'must be an absolute path on the master').optional(),
  every: positiveDurationSchema.default(10 * 60_000),
  poll: positiveDurationSchema.optional(),
});

/** Declares repositories whose `icefall.yml` says how they are built. */
export function projects(options: ProjectsOptions): ProjectsDeclaration {
  const place = callerPlace();
  const parsed = optionsSchema.safeParse(options);
  if (!parsed.success) reportIssues(place, 'projects', options, parsed.error.issues);
  const given = usable(optionsSchema, options);
  const repositories = z.array(projectSchema).safeParse(given.repositories ?? []).data ?? [];
  const declaration: ProjectsDeclaration = {
    type: 'projects',
    repositories: repositories.map((project) => Object.freeze({ ...project, branch: project.branch ?? null })),
    platforms: given.platforms ?? {},
    locks: given.locks ?? [],
    secrets: given.secrets ?? {},
    publish: given.publish ?? {},
    artifacts: given.artifacts ?? null,
    everyMs: optionsSchema.shape.every.parse(given.every),
    pollMs: given.poll === undefined ? null : positiveDurationSchema.parse(given.poll),
    place,
  };
  checkProjects(declaration);
  return Object.freeze(declaration);
}

function checkProjects({ repositories, platforms, place }: ProjectsDeclaration): void {
  const wrong = (name: string, what: string) => reportProblem(place, `projects: "${name}" ${what}`);
  const [names, addresses] = [new Set<string>(), new Map<string, string>()];
  for (const { name, repository, trust } of repositories) {
    if (names.has(name)) wrong(name, 'is named twice; names are written once only');
    names.add(name);
    const other = addresses.get(repository);
    if (other !== undefined) wrong(name, `has the repository of "${other}"; a repository is one project`);
    addresses.set(repository, name);
    for (const platform of trust.platforms)
      if (!Object.hasOwn(platforms, platform))
        wrong(name, `trust names platform "${platform}", which is not among platforms`);
    const isRestricted = trust.forks === 'restricted' || trust.pullRequests === 'restricted';
    if (isRestricted && trust.platforms.length === 0)
      wrong(name, 'lets in restricted builds but names no platforms for them; add trust.platforms');
  }
}

/** Tags that builders of projects have: `project`, the project's name, and `untrusted` where it builds pull requests of strangers. */
export const PROJECT_TAG = 'project';
export const UNTRUSTED_TAG = 'untrusted';

/** All tags that builders of a site's projects may have. */
export function tagsOfProjects(projects: ProjectsDeclaration | null): string[] {
  return projects === null ? [] : [PROJECT_TAG, UNTRUSTED_TAG, ...projects.repositories.map(({ name }) => name)];
}
