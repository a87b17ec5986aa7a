import type { Json, SourceStamp } from '@icefall/shared';
import { z } from 'zod';
import { propertyValuesSchema } from '../config/names.ts';
import { valueAt } from '../config/problems.ts';
import type { SchedulerDeclaration } from '../config/schedulers.ts';
import { revisionsByCodebase } from './git.ts';
import { defineStep, type StepKind, type Triggers, whenKnown } from './kind.ts';
import type { StepRun } from './step.ts';

/** A scheduler, or its name where a plug-in module cannot import it. */
type SchedulerRef = SchedulerDeclaration | string;

export interface TriggerOptions {
  readonly schedulers: readonly SchedulerRef[];
  /** Wait for the builds and take the worst result; default false. */
  readonly wait?: boolean;
  /** Of the triggered builds; nothing else is handed down. */
  readonly properties?: Readonly<Record<string, Json>>;
  /**
   * `same` (default): the build's own source stamps, with the revisions that were really checked out; `requested`: its
   * own as they were asked for (a branch's tip may have moved meanwhile); `latest`: without revisions; or given here.
   */
  readonly sourceStamps?: 'same' | 'requested' | 'latest' | readonly SourceStampChoice[];
  /** Schedulers whose result does not count. */
  readonly unimportant?: readonly SchedulerRef[];
}
export interface SourceStampChoice {
  readonly codebase?: string;
  readonly repository: string;
  readonly branch?: string;
  readonly revision?: string;
  readonly project?: string;
}

const schedulerSchema = z.union(
  [
    z.string().min(1, 'must be a scheduler or its name'),
    z
      .custom<SchedulerDeclaration>((value) => valueAt(value, ['type']) === 'scheduler')
      .transform((scheduler) => scheduler.name),
  ],
  'must be a scheduler or its name',
);
const stampSchema = z.strictObject({
  codebase: z.string().default(''),
  repository: z.string(),
  branch: z.string().nullable().default(null),
  revision: z.string().nullable().default(null),
  project: z.string().default(''),
});
const stampsSchema = z
  .array(stampSchema)
  .min(1)
  .refine((stamps) => new Set(stamps.map(({ codebase }) => codebase)).size === stamps.length, {
    message: 'must not name a code base twice',
  });
const schema = z
  .strictObject({
    schedulers: z.array(schedulerSchema).min(1, 'must name at least one scheduler'),
    wait: z.boolean().default(false),
    properties: propertyValuesSchema.default({}),
    sourceStamps: z.union([z.enum(['same', 'requested', 'latest']), stampsSchema]).default('same'),
    unimportant: z.array(schedulerSchema).default([]),
  })
  .refine((options) => options.unimportant.every((name) => options.schedulers.includes(name)), {
    message: 'must be among the schedulers',
    path: ['unimportant'],
    when: whenKnown('schedulers', 'unimportant'),
  });
type Parsed = z.output<typeof schema>;

function sourceStampsOf(options: Parsed, run: StepRun): readonly SourceStamp[] {
  if (typeof options.sourceStamps !== 'string') return options.sourceStamps;
  if (options.sourceStamps === 'requested') return run.sourceStamps;
  if (options.sourceStamps === 'latest') return run.sourceStamps.map((stamp) => ({ ...stamp, revision: null }));
  const got = revisionsByCodebase(run.properties.got_revision?.value ?? null);
  return run.sourceStamps.map((stamp) => {
    const revision = got[stamp.codebase];
    return typeof revision === 'string' ? { ...stamp, revision } : stamp;
  });
}

const kind: StepKind<Parsed> = {
  name: 'trigger',
  schema,
  begin: (options, run) => ({
    do: 'trigger',
    trigger: {
      schedulers: options.schedulers,
      unimportant: options.unimportant,
      wait: options.wait,
      properties: options.properties,
      sourceStamps: sourceStampsOf(options, run),
    },
  }),
  describe: (options) => `trigger ${options.schedulers.join(', ')}`,
};

/** What a declaration tells, as far as it holds no references. */
function triggersOf({ schedulers, wait }: { readonly schedulers?: unknown; readonly wait?: unknown }): Triggers {
  const known = Array.isArray(schedulers) ? schedulers : [];
  return {
    schedulers: known.flatMap((value: unknown) => schedulerSchema.safeParse(value).data ?? []),
    waits: wait === true,
  };
}

/** Starts builds through triggerable schedulers, and waits for them if told so (giving its worker slot back meanwhile). */
export const trigger = defineStep<Parsed, TriggerOptions>(kind, triggersOf);
