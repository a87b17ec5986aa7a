import { type CommandOutcome, DEFAULT_FLAGS, type Json, type ResultFlags } from '@icefall/shared';
import { z } from 'zod';
import { functionSchema, whyNot } from '../config/declared.ts';
import { type LockAccess, lockAccessSchema, renderedAccess } from '../config/locks.ts';
import {
  callerPlace,
  collectProblems,
  describeIssue,
  formatProblem,
  type Place,
  reportIssues,
  reportProblem,
  valueAt,
} from '../config/problems.ts';
import { holdsReference, isReference, type Renderables, render } from '../properties/references.ts';
import { resultOfOutcome } from './outcome.ts';
import type { PreparedStep, StepAction, StepDeclaration, StepEnd, StepOptions, StepRun } from './step.ts';

/**
 * A kind of step: how its rendered options become an action, and how a command's outcome becomes a result. Both are
 * pure, so that a master that restarts can call `end` again for a command that it did not see finish.
 */
export interface StepKind<Options> {
  readonly name: string;
  /** Of the options after every reference has been replaced. */
  readonly schema: z.ZodType<Options>;
  /** Flags other than Buildbot's defaults. */
  readonly flags?: Partial<ResultFlags>;
  begin(options: Options, run: StepRun): StepAction;
  /** Default: by exit code and reason ({@link resultOfOutcome}). */
  end?(options: Options, outcome: CommandOutcome, run: StepRun): StepEnd;
  /** What it does, for the page while it runs. */
  describe(options: Options): string;
}

const flag = z.boolean().optional();
const commonSchema = z.object({
  name: z.string().min(1).max(100).optional(),
  haltOnFailure: flag,
  flunkOnFailure: flag,
  flunkOnWarnings: flag,
  warnOnFailure: flag,
  warnOnWarnings: flag,
  alwaysRun: flag,
  retryable: flag,
  doStepIf: z
    .union([z.boolean(), z.custom(isReference), functionSchema], whyNot('must be yes/no, a reference or a function'))
    .optional(),
  hideStepIf: z.union([z.boolean(), functionSchema], whyNot('must be yes/no or a function')).optional(),
  locks: z.union([z.array(lockAccessSchema), functionSchema]).optional(),
});
const COMMON = Object.keys(commonSchema.shape);

/** What the options of a step of this kind look like in a configuration. */
export type DeclaredOptions<Input> = StepOptions & {
  readonly [K in keyof Input]: Renderables<Input[K]>;
};

/** What a declaration tells of the builds that a step starts. */
export interface Triggers {
  /** By name; those that are references are not known. */
  readonly schedulers: readonly string[];
  readonly waits: boolean;
}
const NO_TRIGGERS: Triggers = { schedulers: [], waits: false };

/**
 * Makes the configuration function of a kind of step. Options are checked at load as far as they hold no references,
 * and again, whole, when the step starts.
 */
export function defineStep<Options, Input>(
  kind: StepKind<Options>,
  triggersOf: (options: DeclaredOptions<Input>) => Triggers = () => NO_TRIGGERS,
): (options: DeclaredOptions<Input>) => StepDeclaration {
  return (options) => {
    const place = callerPlace();
    const what = `step ${kind.name}${options?.name === undefined ? '' : ` "${options.name}"`}`;
    if (typeof options !== 'object' || options === null) {
      reportProblem(place, `${what}: needs an object of options`);
      return declare(kind, {} as DeclaredOptions<Input>, place, NO_TRIGGERS);
    }
    const { common, own } = split(options);
    const parsedCommon = commonSchema.safeParse(common);
    if (!parsedCommon.success) reportIssues(place, what, common, parsedCommon.error.issues);
    const parsed = kind.schema.safeParse(own);
    const issues = parsed.error?.issues.filter((issue) => !dependsOnReference(own, issue.path)) ?? [];
    reportIssues(place, what, own, issues);
    // Mistaken locks must not reach the checks of the whole site.
    return declare(kind, { ...options, locks: usableLocks(options.locks) }, place, triggersOf(options));
  };
}

function usableLocks(locks: StepOptions['locks']): NonNullable<StepOptions['locks']> {
  if (typeof locks === 'function') return locks;
  return Array.isArray(locks) ? locks.filter((use) => lockAccessSchema.safeParse(use).success) : [];
}

/**
 * For the `when` of a rule between options: it is judged at load too, but only once all of them are known (which a
 * reference is not before the step starts) and none of them is wrong by itself.
 */
export function whenKnown(...names: readonly string[]) {
  return ({ value, issues }: { readonly value: unknown; readonly issues: readonly z.core.$ZodRawIssue[] }): boolean =>
    names.every((name) => !holdsReference(valueAt(value, [name])) && !issues.some((issue) => issue.path?.[0] === name));
}

function split(options: object): { common: Record<string, unknown>; own: Record<string, unknown> } {
  const entries = Object.entries(options);
  return {
    common: Object.fromEntries(entries.filter(([key]) => COMMON.includes(key))),
    own: Object.fromEntries(entries.filter(([key]) => !COMMON.includes(key))),
  };
}

/** An issue at or below a reference, or about a value that holds one, can only be judged after rendering. */
function dependsOnReference(options: unknown, path: readonly PropertyKey[]): boolean {
  for (let length = 1; length < path.length; length += 1)
    if (isReference(valueAt(options, path.slice(0, length)))) return true;
  return path.length > 0 && holdsReference(valueAt(options, path));
}

function declare<Options, Input>(
  kind: StepKind<Options>,
  options: DeclaredOptions<Input>,
  place: Place | null,
  triggers: Triggers,
): StepDeclaration {
  const { own } = split(options);
  const flags = { ...DEFAULT_FLAGS, ...kind.flags };
  for (const key of Object.keys(DEFAULT_FLAGS) as (keyof ResultFlags)[]) flags[key] = options[key] ?? flags[key];
  return Object.freeze({
    type: 'step',
    kind: kind.name,
    name: options.name ?? kind.name,
    flags: Object.freeze(flags),
    alwaysRun: options.alwaysRun ?? false,
    doStepIf: options.doStepIf ?? true,
    hideStepIf: options.hideStepIf ?? false,
    locks: options.locks ?? [],
    retryable: options.retryable ?? true,
    locksUntil: null,
    place,
    options: own,
    triggers: triggers.schedulers,
    waits: triggers.waits,
    prepare: (run: StepRun) => prepare(kind, render(own, run), run, place),
  });
}

function prepare<Options>(kind: StepKind<Options>, rendered: unknown, run: StepRun, place: Place | null): PreparedStep {
  const parsed = kind.schema.safeParse(rendered);
  if (!parsed.success) {
    const mistakes = parsed.error.issues.map((issue) => describeIssue(issue, rendered));
    throw new StepOptionsError(place, `step ${kind.name} "${run.stepName}"`, mistakes);
  }
  const options = parsed.data;
  return {
    description: kind.describe(options),
    options: toJson(options),
    begin: () => kind.begin(options, run),
    end: (outcome) => kind.end?.(options, outcome, run) ?? { result: resultOfOutcome(outcome) },
  };
}

/** The options of a step were wrong once their references were known; the step ends as EXCEPTION. */
export class StepOptionsError extends Error {
  readonly code = 'step_options';
  constructor(place: Place | null, what: string, mistakes: readonly string[]) {
    super(formatProblem({ place, message: `${what}: ${mistakes.join('; ')}` }));
    this.name = 'StepOptionsError';
  }
}

/**
 * The locks of a step that is about to start; a function of the site is asked for them. Throws
 * {@link StepOptionsError} where it gives something else than uses of locks, or a count that can never be granted; and
 * where a lock is named twice, which the checks of the site do not see in steps that others add.
 */
export function locksOf(step: StepDeclaration, run: StepRun): readonly LockAccess[] {
  const { locks } = step;
  const { value, problems } =
    typeof locks === 'function'
      ? collectProblems(() => z.array(lockAccessSchema).safeParse(locks(run)))
      : { value: { data: locks, error: null }, problems: [] };
  const mistakes = [...problems, ...(value.error?.issues ?? [])].map(({ message }) => message);
  const names = (value.data ?? []).map(({ lock }) => lock.name);
  for (const name of new Set(names.filter((one, i) => names.indexOf(one) < i)))
    mistakes.push(`lock "${name}" is named twice; take it once, with the count that is needed`);
  if (mistakes.length === 0 && value.data !== undefined) return value.data.map((access) => renderedAccess(access, run));
  const what = typeof locks === 'function' ? 'what locks() returned' : 'option "locks"';
  throw new StepOptionsError(step.place, `step ${step.kind} "${run.stepName}": ${what}`, mistakes);
}

function toJson(value: unknown): Json {
  return JSON.parse(
    JSON.stringify(value, (_key, element) => (typeof element === 'function' ? '(function)' : element)) ?? 'null',
  );
}
