import type { Json, SourceStamp } from '@icefall/shared';
import { z } from 'zod';
import { propertyValuesSchema } from '../config/names.ts';
import type { SchedulerDeclaration } from '../config/schedulers.ts';
import { computed, isReference, type Renderables } from '../properties/references.ts';
import { revisionsByCodebase } from './git.ts';
import {
  type DeclaredOptions,
  defineStep,
  type StepDeclaration,
  type StepKind,
  type StepRun,
  whenKnown,
} from './kind.ts';

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

/** After {@link byName}. */
const schedulerSchema = z.string('must be a scheduler or its name').min(1, 'must be a scheduler or its name');
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
      properties: options.properties as Record<string, Json>,
      sourceStamps: sourceStampsOf(options, run),
    },
  }),
  describe: (options) => `trigger ${options.schedulers.join(', ')}`,
};

/** Names of the schedulers in a declaration, as far as they are not references. */
function triggersOf({ schedulers }: { readonly schedulers?: unknown }): readonly string[] {
  return Array.isArray(schedulers) ? schedulers.filter((name) => typeof name === 'string') : [];
}

const declare = defineStep<Parsed, ByName<TriggerOptions>>(kind, triggersOf);

/** Starts builds through triggerable schedulers, and waits for them if told so (giving its worker slot back meanwhile). */
export function trigger(options: DeclaredOptions<TriggerOptions>): StepDeclaration {
  const { schedulers, unimportant, ...rest } = options ?? ({} as typeof options);
  return declare({
    ...rest,
    schedulers: byName(schedulers) as Names,
    ...(unimportant === undefined ? {} : { unimportant: byName(unimportant) as Names }),
  });
}

type Names = Renderables<readonly string[]>;
type ByName<T> = Omit<T, 'schedulers' | 'unimportant'> & {
  readonly schedulers: readonly string[];
  readonly unimportant?: readonly string[];
};

/**
 * Names for schedulers; anything else passes, to be judged by the schema. A scheduler holds builders, and these hold
 * references of their own: they are none of this step's options, to be rendered when it starts.
 */
function byName(value: unknown): unknown {
  if (isReference(value)) return computed((context) => byName(value.render(context)));
  if (Array.isArray(value)) return value.map(byName);
  return isScheduler(value) ? value.name : value;
}

function isScheduler(value: unknown): value is SchedulerDeclaration {
  return typeof value === 'object' && value !== null && Reflect.get(value, 'type') === 'scheduler';
}
