import { isReference } from '../properties/references.ts';
import type { StepDeclaration } from '../steps/step.ts';
import type { BuilderDeclaration } from './builders.ts';
import { type LockAccess, partsOf } from './locks.ts';
import { type Place, reportProblem } from './problems.ts';
import type { SiteDeclaration } from './site.ts';
import type { WorkerDeclaration } from './workers.ts';

type Declared = Pick<SiteDeclaration, 'builders' | 'schedulers'>;

/** A lock of one worker or of the site, with who holds or wants it. */
interface Use {
  readonly access: LockAccess;
  /** Name of the lock, with the worker's for a worker lock. */
  readonly key: string;
  readonly limit: number;
  readonly who: string;
  readonly place: Place | null;
  /** Held by the build that waits first, rather than by one that it waits for. */
  readonly isFirst: boolean;
}

/** How a build comes to wait for what waits for it. */
interface Conflict {
  readonly held: Use;
  readonly wanted: Use;
  /** Steps that wait, from the second on. */
  readonly through: readonly string[];
}

/**
 * Reports builds that would wait for ever: in a trigger step that waits, while they hold a lock (their own, their
 * worker's or that step's) which a triggered build, or one that it waits for in turn, cannot get beside them. Locks of
 * workers count only where the triggered build has no other worker to go to. Locks that a function computes, and
 * triggers whose `wait` is a reference, are not known here.
 */
export function checkLockCycles(site: Declared): void {
  for (const builder of site.builders)
    for (const step of waitingTriggers(builder))
      for (const target of targetsOf(step, site)) checkTarget(site, builder, step, target);
}

function checkTarget(
  site: Declared,
  builder: BuilderDeclaration,
  step: StepDeclaration,
  target: BuilderDeclaration,
): void {
  for (const worker of differing(builder.workers, true)) {
    const during = [step, ...keptDuring(step, builder)];
    const held = [
      ...usesOfBuild(builder, worker, true),
      ...during.flatMap((holder) => usesOfStep(holder, builder, worker, true)),
    ];
    if (held.length === 0) continue;
    const conflict = conflictWith(site, held, target, [builder]);
    if (conflict === null) continue;
    reportProblem(step.place, inWords(builder, step, target, conflict));
    return;
  }
}

/** What of a triggered builder cannot go on beside what is held, on whatever worker it runs. */
function conflictWith(
  site: Declared,
  held: readonly Use[],
  builder: BuilderDeclaration,
  path: readonly BuilderDeclaration[],
): Conflict | null {
  // Builders that trigger each other in a circle never end for another reason.
  if (path.includes(builder)) return null;
  const areOfWorkers = held.some(({ access }) => access.lock.scope === 'worker');
  let first: Conflict | null = null;
  for (const worker of differing(builder.workers, areOfWorkers)) {
    const conflict = conflictOn(site, held, builder, worker, path);
    if (conflict === null) return null;
    first ??= conflict;
  }
  return first;
}

function conflictOn(
  site: Declared,
  held: readonly Use[],
  builder: BuilderDeclaration,
  worker: WorkerDeclaration,
  path: readonly BuilderDeclaration[],
): Conflict | null {
  const own = usesOfBuild(builder, worker, false);
  const wanted = [...own, ...runSteps(builder).flatMap((step) => usesOfStep(step, builder, worker, false))];
  for (const use of wanted) {
    const inTheWay = inTheWayOf(use, held);
    if (inTheWay !== null) return { held: inTheWay, wanted: use, through: [] };
  }
  for (const step of waitingTriggers(builder)) {
    const more = [...held, ...own, ...usesOfStep(step, builder, worker, false)];
    for (const target of targetsOf(step, site)) {
      const conflict = conflictWith(site, more, target, [...path, builder]);
      const hop = `${stepTitle(step, builder)}${at(step.place)} waits for ${title(target)}`;
      if (conflict !== null) return { ...conflict, through: [hop, ...conflict.through] };
    }
  }
  return null;
}

/** The first build's use that keeps a lock from being granted; null where there is none, or others would do so alone. */
function inTheWayOf(wanted: Use, held: readonly Use[]): Use | null {
  const same = held.filter(({ key }) => key === wanted.key);
  const others = same.filter(({ isFirst }) => !isFirst);
  const first = same.find(({ isFirst }) => isFirst);
  if (first === undefined || !fits(wanted, others)) return null;
  return fits(wanted, same) ? null : first;
}

function fits(wanted: Use, held: readonly Use[]): boolean {
  if (held.length === 0) return true;
  if ([wanted, ...held].some(({ access }) => access.mode === 'exclusive')) return false;
  return [wanted, ...held].reduce((sum, { access }) => sum + access.count, 0) <= wanted.limit;
}

/** Workers that differ in what matters here; all of them where locks of workers do. */
function differing(workers: readonly WorkerDeclaration[], areAll: boolean): readonly WorkerDeclaration[] {
  if (areAll) return workers;
  const byLocks = new Map(workers.map((worker) => [worker.locks.map(({ lock }) => lock.name).join(' '), worker]));
  return [...byLocks.values()];
}

function usesOfBuild(builder: BuilderDeclaration, worker: WorkerDeclaration, isFirst: boolean): Use[] {
  const workers = worker.locks.flatMap((access) =>
    usesOf(access, worker, { who: `worker "${worker.name}"`, place: worker.place, isFirst }),
  );
  const own = builder.locks.flatMap((access) =>
    usesOf(access, worker, { who: title(builder), place: builder.place, isFirst }),
  );
  return [...own, ...workers];
}

function usesOfStep(
  step: StepDeclaration,
  builder: BuilderDeclaration,
  worker: WorkerDeclaration,
  isFirst: boolean,
): Use[] {
  // A path that is not known yet may or may not be in somebody's way.
  const locks = typeof step.locks === 'function' ? [] : step.locks.filter(({ path }) => !isReference(path));
  const by = { who: stepTitle(step, builder), place: step.place, isFirst };
  return locks.flatMap((access) => usesOf(access, worker, by));
}

function usesOf(access: LockAccess, worker: WorkerDeclaration, by: Pick<Use, 'who' | 'place' | 'isFirst'>): Use[] {
  const { scope, maxCount, maxCountForWorker } = access.lock;
  const isOfWorker = scope === 'worker';
  const limit = (isOfWorker ? maxCountForWorker[worker.name] : undefined) ?? maxCount;
  return partsOf(access).map(({ key, mode, count }) => ({
    access: { ...access, mode, count },
    key: isOfWorker ? `${key}@${worker.name}` : key,
    limit,
    ...by,
  }));
}

/** Earlier steps whose locks are still held while a step runs. */
function keptDuring(step: StepDeclaration, builder: BuilderDeclaration): StepDeclaration[] {
  const steps = runSteps(builder);
  const now = steps.indexOf(step);
  return steps.slice(0, now).filter(({ locksUntil }) => {
    return locksUntil !== null && (!steps.includes(locksUntil) || steps.indexOf(locksUntil) >= now);
  });
}

/** Steps that are not switched off for good. */
function runSteps(builder: BuilderDeclaration): StepDeclaration[] {
  return builder.factory.steps.filter((step) => step.doStepIf !== false);
}

function waitingTriggers(builder: BuilderDeclaration): StepDeclaration[] {
  return runSteps(builder).filter((step) => step.waits && step.triggers.length > 0);
}

function targetsOf(step: StepDeclaration, site: Declared): BuilderDeclaration[] {
  const triggered = site.schedulers.filter(({ name, kind }) => kind === 'triggerable' && step.triggers.includes(name));
  return [...new Set(triggered.flatMap((scheduler) => scheduler.builders))];
}

function inWords(
  builder: BuilderDeclaration,
  step: StepDeclaration,
  target: BuilderDeclaration,
  { held, wanted, through }: Conflict,
): string {
  const { name } = held.access.lock;
  const chain = [`${stepTitle(step, builder)} waits for ${title(target)}`, ...through].join(', whose build: ');
  const holder = `while lock "${name}" (${modeOf(held)}) is held by ${held.who}${at(held.place)}`;
  const wants = `${wanted.who}${at(wanted.place)} wants it (${modeOf(wanted)})`;
  const remedy = 'hold the lock only in other steps than the one that waits, or do not wait';
  return `${chain}, ${holder}, and ${wants}: they would wait for each other for ever; ${remedy}`;
}

function modeOf({ access: { mode, count }, limit }: Use): string {
  return mode === 'exclusive' ? mode : `${count} of ${limit}`;
}

function at(place: Place | null): string {
  return place === null ? '' : ` at ${place.file}:${place.line}`;
}

function title({ name }: BuilderDeclaration): string {
  return `builder "${name}"`;
}

function stepTitle(step: StepDeclaration, builder: BuilderDeclaration): string {
  return `step "${step.name}" of ${title(builder)}`;
}
