import type { Change, Json } from '@icefall/shared';
import { Cron } from 'croner';
import type { Renderable } from '../properties/references.ts';
import type { BuilderDeclaration } from './builders.ts';
import { type Duration, durationSchema, positiveDurationSchema } from './durations.ts';
import { type FieldDeclaration, repeatedIn } from './fields.ts';
import { callerPlace, type Place, reportProblem, titleOf, valueAt } from './problems.ts';
import { checkedOptions, SCHEDULER_SCHEMAS } from './scheduler-options.ts';

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

function commonOf(given: Partial<CommonOptions>, reason: string, place: Place | null): Common {
  return {
    type: 'scheduler',
    name: given.name ?? '',
    builders: given.builders ?? [],
    properties: given.properties ?? {},
    priority: given.priority ?? 0,
    reason: given.reason ?? reason,
    codebases: given.codebases ?? {},
    place,
  };
}

function changesOf(given: Partial<ChangeOptions>): OnChanges {
  const timer = given.treeStableTimer;
  return {
    changes: given.changes ?? {},
    treeStableMs: timer === undefined ? null : durationSchema.parse(timer),
    isImportant: given.isImportant ?? null,
    onlyImportant: given.onlyImportant ?? false,
  };
}

/** Builds the changes of one branch. */
export function singleBranchScheduler(options: CommonOptions & ChangeOptions): SingleBranchScheduler {
  const place = callerPlace();
  const given = checkedOptions('singleBranch', SCHEDULER_SCHEMAS.onChanges, options, place);
  const { branch, where } = given.changes ?? {};
  const isBad = valueAt(options, ['changes']) !== given.changes;
  if (!isBad && branch === undefined && where === undefined)
    reportProblem(
      place,
      `${titleOf('singleBranch scheduler', options)}: needs changes.branch (or changes.where); for all branches use anyBranchScheduler`,
    );
  return Object.freeze({
    ...commonOf(given, 'change', place),
    ...changesOf(given),
    kind: 'singleBranch',
  });
}

/** Builds the changes of every branch, each with its own tree-stable timer. */
export function anyBranchScheduler(options: CommonOptions & ChangeOptions): AnyBranchScheduler {
  const place = callerPlace();
  const given = checkedOptions('anyBranch', SCHEDULER_SCHEMAS.onChanges, options, place);
  return Object.freeze({
    ...commonOf(given, 'change', place),
    ...changesOf(given),
    kind: 'anyBranch',
  });
}

/** Builds what another scheduler's buildset built, when that ended as SUCCESS or WARNINGS. */
export function dependentScheduler(
  options: CommonOptions & { readonly upstream: SchedulerDeclaration },
): DependentScheduler {
  const place = callerPlace();
  const given = checkedOptions('dependent', SCHEDULER_SCHEMAS.dependent, options, place);
  return Object.freeze({
    ...commonOf(given, 'downstream', place),
    kind: 'dependent',
    // Where it is none, that was reported, and the site is refused.
    upstream: valueAt(options, ['upstream']) as SchedulerDeclaration,
  });
}

/** Starts every so often, counted from start to start. */
export function periodicScheduler(options: CommonOptions & { readonly every: Duration }): PeriodicScheduler {
  const place = callerPlace();
  const given = checkedOptions('periodic', SCHEDULER_SCHEMAS.periodic, options, place);
  const everyMs = given.every === undefined ? 1 : positiveDurationSchema.parse(given.every);
  return Object.freeze({ ...commonOf(given, 'periodic', place), kind: 'periodic', everyMs });
}

export interface NightlyOptions extends CommonOptions, Omit<ChangeOptions, 'treeStableTimer'> {
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
  const given = checkedOptions('nightly', SCHEDULER_SCHEMAS.nightly, options, place);
  checkCron(given, place);
  return Object.freeze({
    ...commonOf(given, 'nightly', place),
    ...changesOf(given),
    kind: 'nightly',
    cron: given.cron ?? '',
    timeZone: given.timeZone ?? null,
    onlyIfChanged: given.onlyIfChanged ?? false,
    missed: given.missed ?? 'once',
  });
}

function checkCron({ cron, name }: Partial<NightlyOptions>, place: Place | null): void {
  if (cron === undefined) return;
  try {
    if (new Cron(cron, { paused: true }).nextRun(new Date(0)) === null) throw new Error('it never comes');
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    reportProblem(place, `${titleOf('nightly scheduler', { name })}: cron ${JSON.stringify(cron)}: ${why}`);
  }
}

/** Starts only when a trigger step says so. */
export function triggerableScheduler(options: CommonOptions): TriggerableScheduler {
  const place = callerPlace();
  const given = checkedOptions('triggerable', SCHEDULER_SCHEMAS.triggerable, options, place);
  return Object.freeze({ ...commonOf(given, 'triggered', place), kind: 'triggerable' });
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
  const given = checkedOptions('force', SCHEDULER_SCHEMAS.force, options, place);
  const fields = given.fields ?? [];
  for (const mistake of repeatedIn(fields.map(({ field }) => field)))
    reportProblem(place, `${titleOf('force scheduler', options)}: ${mistake}`);
  return Object.freeze({
    ...commonOf(given, 'force', place),
    kind: 'force',
    label: given.label ?? given.name ?? '',
    button: given.button ?? 'Force',
    fields,
  });
}
