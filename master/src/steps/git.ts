import type { Json } from '@icefall/shared';
import { z } from 'zod';
import { type Duration, durationSchema } from '../config/durations.ts';
import { withoutSecrets } from '../secrets/use.ts';
import { defineStep, type StepKind, whenKnown } from './kind.ts';
import { endByExitCode } from './outcome.ts';
import { type ProcessOptions, processShape } from './shell.ts';
import type { StepRun } from './step.ts';

export interface GitOptions extends ProcessOptions {
  /** Default: the source stamp's repository. */
  readonly repository?: string;
  /** Which source stamp of the build is checked out; default the unnamed one. */
  readonly codebase?: string;
  /** Used where the source stamp names none; default: the remote's default branch. */
  readonly branch?: string;
  /** incremental (default): update what is there; full: begin clean, by `method`. */
  readonly mode?: 'incremental' | 'full';
  /**
   * Only for mode full. clobber: remove and clone; fresh (default): `git clean -ffdx`; clean: `git clean -ffd`, keeps
   * ignored files; copy: update in `source`, then copy to the work directory.
   */
  readonly method?: 'clobber' | 'fresh' | 'clean' | 'copy';
  readonly submodules?: boolean;
  /** Fetch only so many commits; true for one. */
  readonly shallow?: boolean | number;
  readonly tags?: boolean;
  /** Ignore the source stamp's revision and take the tip of the branch. */
  readonly alwaysUseLatest?: boolean;
  readonly clobberOnFailure?: boolean;
  readonly retry?: { readonly delay: Duration; readonly repeats: number } | null;
  /** Arguments for `git describe`; the answer is the property `commit-description`. */
  readonly describe?: readonly string[] | null;
  readonly reference?: string | null;
  readonly filter?: string | null;
  /** Git configuration for every command, as with `git -c`. */
  readonly config?: Readonly<Record<string, string>>;
}

const schema = z
  .strictObject({
    ...processShape,
    repository: z.string().min(1).optional(),
    codebase: z.string().default(''),
    branch: z.string().min(1).optional(),
    mode: z.enum(['incremental', 'full']).default('incremental'),
    method: z.enum(['clobber', 'fresh', 'clean', 'copy']).optional(),
    submodules: z.boolean().default(false),
    shallow: z.union([z.boolean(), z.number().int().positive()]).default(false),
    tags: z.boolean().default(false),
    alwaysUseLatest: z.boolean().default(false),
    clobberOnFailure: z.boolean().default(false),
    retry: z.strictObject({ delay: durationSchema, repeats: z.number().int().nonnegative() }).nullable().default(null),
    describe: z.array(z.string()).nullable().default(null),
    reference: z.string().min(1).nullable().default(null),
    filter: z.string().min(1).nullable().default(null),
    config: z.record(z.string().min(1), z.string()).default({}),
  })
  .refine((options) => options.mode === 'full' || options.method === undefined, {
    message: "is only for mode 'full'; mode 'incremental' has no method",
    path: ['method'],
    when: whenKnown('mode', 'method'),
  })
  .refine((options) => options.shallow === false || options.method === 'clobber' || options.mode === 'incremental', {
    message: "works only with mode 'incremental', or mode 'full' with method 'clobber'",
    path: ['shallow'],
    when: whenKnown('mode', 'method', 'shallow'),
  });
type Parsed = z.output<typeof schema>;

function begin(options: Parsed, run: StepRun): ReturnType<StepKind<Parsed>['begin']> {
  const stamp = run.sourceStamps.find((candidate) => candidate.codebase === options.codebase);
  const repository = options.repository ?? stamp?.repository ?? '';
  if (repository === '') {
    const text = `the build has no source stamp with a repository for code base "${options.codebase}"; give git() a repository, or the scheduler a code base\n`;
    return { do: 'finish', result: 'FAILURE', summary: 'no repository known', text };
  }
  const { env, secrets } = withoutSecrets(run.env, options);
  return {
    do: 'command',
    command: {
      kind: 'git',
      repository,
      branch: stamp?.branch || options.branch || null,
      revision: options.alwaysUseLatest ? null : (stamp?.revision ?? null),
      mode: options.mode,
      method: options.mode === 'full' ? (options.method ?? 'fresh') : null,
      workdir: options.workdir,
      submodules: options.submodules,
      depth: options.shallow === false ? null : options.shallow === true ? 1 : options.shallow,
      tags: options.tags,
      clobberOnFailure: options.clobberOnFailure,
      retry: options.retry === null ? null : { delayMs: options.retry.delay, repeats: options.retry.repeats },
      describe: options.describe,
      reference: options.reference,
      filter: options.filter,
      config: options.config,
      env,
      ...(secrets === undefined ? {} : { secrets }),
      idleTimeoutMs: options.idleTimeout,
      maxTimeMs: options.maxTime,
    },
  };
}

/** `got_revision` after one more checkout: text for the unnamed code base alone, else an object by code base. */
function withRevision(before: Json, codebase: string, revision: string): Json {
  const known = revisionsByCodebase(before);
  const others = Object.keys(known).filter((name) => name !== codebase);
  return codebase === '' && others.length === 0 ? revision : { ...known, [codebase]: revision };
}

/** What `got_revision` tells, by code base. */
export function revisionsByCodebase(got: Json): Readonly<Record<string, Json>> {
  if (typeof got === 'string') return { '': got };
  return typeof got === 'object' && got !== null && !isList(got) ? got : {};
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

const kind: StepKind<Parsed> = {
  name: 'git',
  schema,
  flags: { haltOnFailure: true },
  begin,
  end(options, outcome, run) {
    const revision = outcome.values.revision;
    const end = endByExitCode('checkout', outcome);
    if (end.result !== 'SUCCESS' || typeof revision !== 'string') return end;
    const description = outcome.values.description;
    return {
      result: 'SUCCESS',
      summary: `at ${revision.slice(0, 10)}`,
      properties: {
        got_revision: withRevision(run.properties.got_revision?.value ?? null, options.codebase, revision),
        ...(typeof description === 'string' ? { 'commit-description': description } : {}),
      },
    };
  },
  describe: (options) => (options.repository === undefined ? 'checkout' : `checkout of ${options.repository}`),
};

/**
 * Checks out the build's source and sets the property `got_revision` (with named code bases: an object by code base).
 * Halts the build on failure.
 */
export const git = defineStep<Parsed, GitOptions>(kind);
