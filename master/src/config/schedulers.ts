import type { Change, Json } from '@icefall/shared';
import { Cron } from 'croner';
import { z } from 'zod';
import { isReference, type Renderable } from '../properties/references.ts';
import type { BuilderDeclaration } from './builders.ts';
import { type Duration, durationSchema, positiveDurationSchema } from './durations.ts';
import type { FieldDeclaration } from './fields.ts';
import { nameSchema, propertyNameSchema } from './names.ts';
import { callerPlace, type Place, reportIssues, reportProblem } from './problems.ts';

/** One condition on an attribute of a change: exactly this, one of these, or a pattern found at its beginning. */
export type Matcher = string | null | readonly (string | null)[] | RegExp;

/** Which changes a scheduler looks at. All conditions must hold. */
export interface ChangeFilter {
  readonly branch?: Matcher;
  readonly notBranch?: Matcher;
  readonly repository?: Matcher;
  readonly project?: Matcher;
  readonly codebase?: Matcher;
  readonly category?: Matcher;
  readonly where?: (change: Change) => boolean;
}

/** A code base's source where no change names one. */
export interface CodebaseDefault {
  readonly repository: string;
  readonly branch?: string;
  readonly revision?: string;
  readonly project?: string;
}

interface CommonOptions {
  readonly name: string;
  readonly builders: readonly BuilderDeclaration[];
  readonly properties?: Readonly<Record<string, Renderable<Json>>>;
  /** Higher first; default 0. */
  readonly priority?: number;
  readonly reason?: string;
  /** Code bases of its buildsets, by name; a change fills in its own. `''` is the unnamed one. */
  readonly codebases?: Readonly<Record<string, CodebaseDefault>>;
}

interface ChangeOptions {
  readonly changes?: ChangeFilter;
  /** Build only when nothing came for this long; without it every important change is built at once. */
  readonly treeStableTimer?: Duration;
  /** Whether a change is a reason to build. Default: every change is. */
  readonly isImportant?: (change: Change) => boolean;
  /** Forget unimportant changes instead of listing them with the next build. */
  readonly onlyImportant?: boolean;
}

interface Common {
  readonly type: 'scheduler';
  readonly name: string;
  readonly builders: readonly BuilderDeclaration[];
  readonly properties: Readonly<Record<string, Renderable<Json>>>;
  readonly priority: number;
  readonly reason: string;
  readonly codebases: Readonly<Record<string, CodebaseDefault>>;
  readonly place: Place | null;
}
interface OnChanges {
  readonly changes: ChangeFilter;
  readonly treeStableMs: number | null;
  readonly isImportant: ((change: Change) => boolean) | null;
  readonly onlyImportant: boolean;
}
export type SingleBranchScheduler = Common & OnChanges & { readonly kind: 'singleBranch' };
export type AnyBranchScheduler = Common & OnChanges & { readonly kind: 'anyBranch' };
export type DependentScheduler = Common & { readonly kind: 'dependent'; readonly upstream: SchedulerDeclaration };
export type PeriodicScheduler = Common & { readonly kind: 'periodic'; readonly everyMs: number };
export type NightlyScheduler = Common &
  OnChanges & {
    readonly kind: 'nightly';
    /** Five fields, or six with seconds first; names, ranges, steps, `L` and `#` as croner reads them. */
    readonly cron: string;
    /** Null: the site's. */
    readonly timeZone: string | null;
    readonly onlyIfChanged: boolean;
    /** What becomes of a time that passed while the master was down. */
    readonly missed: 'once' | 'skip';
  };
export type TriggerableScheduler = Common & { readonly kind: 'triggerable' };
export type ForceScheduler = Common & {
  readonly kind: 'force';
  readonly label: string;
  readonly button: string;
  readonly fields: readonly FieldDeclaration[];
};
export type SchedulerDeclaration =
  | SingleBranchScheduler
  | AnyBranchScheduler
  | DependentScheduler
  | PeriodicScheduler
  | NightlyScheduler
  | TriggerableScheduler
  | ForceScheduler;
export type SchedulerKind = SchedulerDeclaration['kind'];

const declared = (type: string, hint: string) =>
  z.custom<object>((value) => typeof value === 'object' && value !== null && Reflect.get(value, 'type') === type, hint);
const fn = z.custom<(...args: never[]) => unknown>((value) => typeof value === 'function', 'must be a function');
const codebaseDefault = z.strictObject({
  repository: z.string(),
  branch: z.string().optional(),
  revision: z.string().optional(),
  project: z.string().optional(),
});
const commonShape = {
  name: nameSchema,
  builders: z.array(declared('builder', 'must be a builder(...)')).min(1, 'must name at least one builder'),
  properties: z.record(propertyNameSchema, z.union([z.json(), z.custom(isReference)])).default({}),
  priority: z.number().int().default(0),
  reason: z.string().optional(),
  codebases: z.record(z.string(), codebaseDefault).default({}),
};
const matcher = z.union(
  [z.string(), z.null(), z.array(z.string().nullable()), z.instanceof(RegExp)],
  'must be text, null, a list of these, or a regular expression',
);
const changesShape = {
  changes: z
    .strictObject({
      branch: matcher.optional(),
      notBranch: matcher.optional(),
      repository: matcher.optional(),
      project: matcher.optional(),
      codebase: matcher.optional(),
      category: matcher.optional(),
      where: fn.optional(),
    })
    .default({}),
  treeStableTimer: durationSchema.optional(),
  isImportant: fn.optional(),
  onlyImportant: z.boolean().default(false),
};

function check(kind: string, schema: z.ZodType, options: CommonOptions, place: Place | null): boolean {
  const parsed = schema.safeParse(options);
  if (!parsed.success) reportIssues(place, `${kind} scheduler "${options.name}"`, options, parsed.error.issues);
  return parsed.success;
}

function commonOf(options: CommonOptions, reason: string, valid: boolean, place: Place | null): Common {
  return {
    type: 'scheduler',
    name: options.name,
    builders: valid ? options.builders : [],
    properties: options.properties ?? {},
    priority: options.priority ?? 0,
    reason: options.reason ?? reason,
    codebases: options.codebases ?? {},
    place,
  };
}

function changesOf(options: ChangeOptions, valid: boolean): OnChanges {
  const timer = options.treeStableTimer;
  return {
    changes: options.changes ?? {},
    treeStableMs: valid && timer !== undefined ? durationSchema.parse(timer) : null,
    isImportant: options.isImportant ?? null,
    onlyImportant: options.onlyImportant ?? false,
  };
}

/** Builds the changes of one branch. */
export function singleBranchScheduler(options: CommonOptions & ChangeOptions): SingleBranchScheduler {
  const place = callerPlace();
  const valid = check('singleBranch', z.strictObject({ ...commonShape, ...changesShape }), options, place);
  if (valid && options.changes?.branch === undefined && options.changes?.where === undefined)
    reportProblem(
      place,
      `singleBranch scheduler "${options.name}": needs changes.branch (or changes.where); for all branches use anyBranchScheduler`,
    );
  return Object.freeze({
    ...commonOf(options, 'change', valid, place),
    ...changesOf(options, valid),
    kind: 'singleBranch',
  });
}

/** Builds the changes of every branch, each with its own tree-stable timer. */
export function anyBranchScheduler(options: CommonOptions & ChangeOptions): AnyBranchScheduler {
  const place = callerPlace();
  const valid = check('anyBranch', z.strictObject({ ...commonShape, ...changesShape }), options, place);
  return Object.freeze({
    ...commonOf(options, 'change', valid, place),
    ...changesOf(options, valid),
    kind: 'anyBranch',
  });
}

/** Builds what another scheduler's buildset built, when that ended as SUCCESS or WARNINGS. */
export function dependentScheduler(
  options: CommonOptions & { readonly upstream: SchedulerDeclaration },
): DependentScheduler {
  const place = callerPlace();
  const schema = z.strictObject({ ...commonShape, upstream: declared('scheduler', 'must be a scheduler') });
  const valid = check('dependent', schema, options, place);
  return Object.freeze({
    ...commonOf(options, 'downstream', valid, place),
    kind: 'dependent',
    upstream: options.upstream,
  });
}

/** Starts every so often, counted from start to start. */
export function periodicScheduler(options: CommonOptions & { readonly every: Duration }): PeriodicScheduler {
  const place = callerPlace();
  const valid = check('periodic', z.strictObject({ ...commonShape, every: positiveDurationSchema }), options, place);
  const everyMs = valid ? positiveDurationSchema.parse(options.every) : 1;
  return Object.freeze({ ...commonOf(options, 'periodic', valid, place), kind: 'periodic', everyMs });
}

export interface NightlyOptions extends CommonOptions, ChangeOptions {
  /** Five cron fields, or six with seconds first. */
  readonly cron: string;
  readonly timeZone?: string;
  /** Start only if an important change came since the last time. */
  readonly onlyIfChanged?: boolean;
  /** Default `once`. */
  readonly missed?: 'once' | 'skip';
}

/** Starts by the clock, in the site's time zone or its own. */
export function nightlyScheduler(options: NightlyOptions): NightlyScheduler {
  const place = callerPlace();
  const schema = z.strictObject({
    ...commonShape,
    ...changesShape,
    cron: z.string().min(1),
    timeZone: z.string().optional(),
    onlyIfChanged: z.boolean().default(false),
    missed: z.enum(['once', 'skip']).default('once'),
  });
  const valid = check('nightly', schema, options, place);
  checkCron(options, place);
  return Object.freeze({
    ...commonOf(options, 'nightly', valid, place),
    ...changesOf(options, valid),
    kind: 'nightly',
    cron: options.cron,
    timeZone: options.timeZone ?? null,
    onlyIfChanged: options.onlyIfChanged ?? false,
    missed: options.missed ?? 'once',
  });
}

function checkCron(options: NightlyOptions, place: Place | null): void {
  if (typeof options.cron !== 'string') return;
  try {
    const cron = new Cron(options.cron, {
      paused: true,
      ...(options.timeZone === undefined ? {} : { timezone: options.timeZone }),
    });
    if (cron.nextRun(new Date(0)) === null) throw new Error('it never comes');
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    reportProblem(place, `nightly scheduler "${options.name}": cron ${JSON.stringify(options.cron)}: ${why}`);
  }
}

/** Starts only when a trigger step says so. */
export function triggerableScheduler(options: CommonOptions): TriggerableScheduler {
  const place = callerPlace();
  const valid = check('triggerable', z.strictObject(commonShape), options, place);
  return Object.freeze({ ...commonOf(options, 'triggered', valid, place), kind: 'triggerable' });
}

export interface ForceOptions extends CommonOptions {
  /** Heading of the form; default the name. */
  readonly label?: string;
  /** Text of the button; default "Force". */
  readonly button?: string;
  readonly fields?: readonly FieldDeclaration[];
}

/** Starts when a person fills in its form. */
export function forceScheduler(options: ForceOptions): ForceScheduler {
  const place = callerPlace();
  const schema = z.strictObject({
    ...commonShape,
    label: z.string().optional(),
    button: z.string().optional(),
    fields: z.array(declared('field', 'must be a field such as textField(...)')).default([]),
  });
  const valid = check('force', schema, options, place);
  const fields = valid ? (options.fields ?? []) : [];
  const names = fields.flatMap(({ field }) =>
    field.type === 'group' && field.name === '' ? field.fields.map((f) => f.name) : [field.name],
  );
  for (const name of new Set(names.filter((name, i) => names.indexOf(name) !== i)))
    reportProblem(place, `force scheduler "${options.name}": two parameters are named "${name}"`);
  return Object.freeze({
    ...commonOf(options, 'force', valid, place),
    kind: 'force',
    label: options.label ?? options.name,
    button: options.button ?? 'Force',
    fields,
  });
}
