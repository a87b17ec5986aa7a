import { isDeepStrictEqual } from 'node:util';
import type {
  BuildHead,
  DeclaredBuilder,
  DeclaredStep,
  DeclaredThing,
  Json,
  Lock,
  Request,
  SiteDescription,
} from '@icefall/shared';
import { lockOfKey } from './locks.ts';

/** What is going on under the configuration in force, as far as another one may matter to it. */
export interface Going {
  readonly builds: readonly Pick<BuildHead, 'id' | 'builder' | 'number' | 'worker' | 'finishedAt'>[];
  readonly requests: readonly Pick<Request, 'id' | 'builder' | 'state'>[];
  readonly locks: readonly Pick<Lock, 'name' | 'holders' | 'waiters'>[];
}

export interface OptionChange {
  readonly option: string;
  /** Undefined: it was not given. */
  readonly before: Json | undefined;
  readonly after: Json | undefined;
}

export type StepChange =
  | { readonly change: 'added' | 'removed'; readonly name: string; readonly kind: string }
  | {
      readonly change: 'moved';
      readonly name: string;
      readonly kind: string;
      readonly options: readonly OptionChange[];
    }
  | {
      readonly change: 'changed';
      readonly name: string;
      readonly kind: string;
      readonly options: readonly OptionChange[];
    };

/** Of one builder, scheduler, worker, lock or source of change. */
export interface ThingChange {
  readonly change: 'added' | 'removed' | 'changed';
  readonly name: string;
  readonly kind: string;
  readonly options: readonly OptionChange[];
  readonly steps: readonly StepChange[];
}

/** What an application would do to what is going on. */
export type Effect =
  /** It goes on with the steps that it began with. */
  | { readonly kind: 'buildKeepsOld'; readonly buildId: number; readonly builder: string; readonly number: number }
  /** It waits until its builder is back, or it is cancelled. */
  | { readonly kind: 'requestsWithoutBuilder'; readonly builder: string; readonly requestIds: readonly number[] }
  /** Nobody is let in until so many have been given back. */
  | { readonly kind: 'lockAboveLimit'; readonly lock: string; readonly held: number; readonly limit: number }
  /** What they run is waited for; then they are sent away. */
  | { readonly kind: 'workerLeaves'; readonly worker: string; readonly buildIds: readonly number[] };

export const PLAN_PARTS = ['builders', 'schedulers', 'workers', 'locks', 'changeSources'] as const;
export type PlanPart = (typeof PLAN_PARTS)[number];

export type Plan = { readonly [K in PlanPart]: readonly ThingChange[] } & {
  readonly site: readonly OptionChange[];
  readonly effects: readonly Effect[];
  /** Whether an option that holds functions is compared: by their source text, so what they close over is not seen. */
  readonly comparesFunctions: boolean;
};

/** What putting `after` in force in place of `before` would change. */
export function planOf(before: SiteDescription, after: SiteDescription, going: Going): Plan {
  const builders = changes(before.builders, after.builders, builderSteps);
  const things = {
    builders,
    schedulers: changes(before.schedulers, after.schedulers),
    workers: changes(before.workers, after.workers),
    locks: changes(before.locks, after.locks),
    changeSources: changes(before.changeSources, after.changeSources),
  };
  return {
    ...things,
    site: optionChanges(before.options, after.options),
    effects: [
      ...keptBuilds(builders, going),
      ...lostRequests(builders, going),
      ...tightLocks(after.locks, going),
      ...leavingWorkers(things.workers, going),
    ],
    comparesFunctions: JSON.stringify([before, after]).includes('"$function"'),
  };
}

/** Whether anything would be other than it is. */
export function isEmptyPlan(plan: Plan): boolean {
  return plan.site.length === 0 && PLAN_PARTS.every((part) => plan[part].length === 0);
}

type Named = { readonly name: string; readonly kind: string };
/** Webhooks are named by their host, pollers by a name of their own. */
const keyOf = ({ name, kind }: Named) => `${kind === 'webhook' ? 'webhook ' : ''}${name}`;

function changes<T extends DeclaredThing>(
  before: readonly T[],
  after: readonly T[],
  stepsOf: (before: T, after: T) => readonly StepChange[] = () => [],
): ThingChange[] {
  const [old, fresh] = [byKey(before), byKey(after)];
  const bare = ({ name, kind }: T) => ({ name, kind, options: [], steps: [] });
  const removed = before
    .filter((thing) => !fresh.has(keyOf(thing)))
    .map((thing): ThingChange => ({ change: 'removed', ...bare(thing) }));
  const others = after.flatMap((thing): ThingChange[] => {
    const known = old.get(keyOf(thing));
    if (known === undefined) return [{ change: 'added', ...bare(thing) }];
    const kind = known.kind === thing.kind ? [] : [{ option: 'kind', before: known.kind, after: thing.kind }];
    const options = [...kind, ...optionChanges(known.options, thing.options)];
    const steps = stepsOf(known, thing);
    if (options.length === 0 && steps.length === 0) return [];
    return [{ change: 'changed', name: thing.name, kind: thing.kind, options, steps }];
  });
  return [...removed, ...others];
}

function byKey<T extends Named>(things: readonly T[]): Map<string, T> {
  return new Map(things.map((thing) => [keyOf(thing), thing]));
}

function optionChanges(before: Readonly<Record<string, Json>>, after: Readonly<Record<string, Json>>): OptionChange[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names]
    .map((option) => ({ option, before: before[option], after: after[option] }))
    .filter((one) => !isDeepStrictEqual(one.before, one.after));
}

function builderSteps(before: DeclaredBuilder, after: DeclaredBuilder): StepChange[] {
  return stepChanges(before.steps, after.steps);
}

/** Steps are the same by kind and name; of several with the same, the first is the first. */
function stepChanges(before: readonly DeclaredStep[], after: readonly DeclaredStep[]): StepChange[] {
  const [old, fresh] = [numbered(before), numbered(after)];
  const kept = inBoth([...old.keys()], [...fresh.keys()]);
  const removed = [...old]
    .filter(([key]) => !fresh.has(key))
    .map(([, { name, kind }]): StepChange => ({ change: 'removed', name, kind }));
  const others = [...fresh].flatMap(([key, { name, kind, options }]): StepChange[] => {
    const known = old.get(key);
    if (known === undefined) return [{ change: 'added', name, kind }];
    const changed = optionChanges(known.options, options);
    if (!kept.has(key)) return [{ change: 'moved', name, kind, options: changed }];
    return changed.length === 0 ? [] : [{ change: 'changed', name, kind, options: changed }];
  });
  return [...removed, ...others];
}

function numbered(steps: readonly DeclaredStep[]): Map<string, DeclaredStep> {
  const counts = new Map<string, number>();
  return new Map(
    steps.map((step) => {
      const key = JSON.stringify([step.kind, step.name]);
      const count = (counts.get(key) ?? 0) + 1;
      counts.set(key, count);
      return [`${key} ${count}`, step];
    }),
  );
}

/** Keys that are in the same order in both lists: a longest common subsequence; the other common ones were moved. */
function inBoth(before: readonly string[], after: readonly string[]): Set<string> {
  // lengths[i][j]: of the longest common subsequence of before from i on and after from j on.
  const lengths = Array.from({ length: before.length + 1 }, () => new Array<number>(after.length + 1).fill(0));
  const at = (i: number, j: number) => lengths[i]?.[j] ?? 0;
  for (let i = before.length - 1; i >= 0; i -= 1)
    for (let j = after.length - 1; j >= 0; j -= 1) {
      const row = lengths[i];
      if (row !== undefined)
        row[j] = before[i] === after[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  const kept = new Set<string>();
  for (let i = 0, j = 0; i < before.length && j < after.length; ) {
    const key = before[i];
    if (key !== undefined && key === after[j]) {
      kept.add(key);
      i += 1;
      j += 1;
    } else if (at(i + 1, j) >= at(i, j + 1)) i += 1;
    else j += 1;
  }
  return kept;
}

/** Builds whose builder goes, or has other steps: they go on with what they began with. */
function keptBuilds(builders: readonly ThingChange[], { builds }: Going): Effect[] {
  const touched = new Set(builders.filter(({ change }) => change !== 'added').map(({ name }) => name));
  return builds
    .filter(({ builder, finishedAt }) => finishedAt === null && touched.has(builder))
    .map(({ id, builder, number }) => ({ kind: 'buildKeepsOld', buildId: id, builder, number }));
}

function lostRequests(builders: readonly ThingChange[], { requests }: Going): Effect[] {
  const gone = builders.filter(({ change }) => change === 'removed').map(({ name }) => name);
  return gone.flatMap((builder): Effect[] => {
    const requestIds = requests.filter((one) => one.state === 'pending' && one.builder === builder).map(({ id }) => id);
    return requestIds.length === 0 ? [] : [{ kind: 'requestsWithoutBuilder', builder, requestIds }];
  });
}

function tightLocks(after: readonly DeclaredThing[], { locks }: Going): Effect[] {
  return locks.flatMap((lock): Effect[] => {
    const { name, worker } = lockOfKey(lock.name);
    const options = after.find((declared) => declared.name === name)?.options;
    const held = lock.holders.reduce((sum, { mode, count }) => sum + (mode === 'exclusive' ? 0 : count), 0);
    // A lock that leaves the configuration lets nobody in who is not in already.
    const limit = options === undefined ? 0 : limitOf(options, worker);
    return held > limit ? [{ kind: 'lockAboveLimit', lock: lock.name, held, limit }] : [];
  });
}

function limitOf(options: DeclaredThing['options'], worker: string | null): number {
  const { maxCount, maxCountForWorker } = options;
  const own =
    worker !== null && typeof maxCountForWorker === 'object' && maxCountForWorker !== null
      ? Reflect.get(maxCountForWorker, worker)
      : undefined;
  return Number(own ?? maxCount ?? 1);
}

function leavingWorkers(workers: readonly ThingChange[], { builds }: Going): Effect[] {
  return workers
    .filter(({ change }) => change === 'removed')
    .map(({ name }) => ({
      kind: 'workerLeaves',
      worker: name,
      buildIds: builds.filter(({ worker, finishedAt }) => worker === name && finishedAt === null).map(({ id }) => id),
    }));
}
