import { checkSecrets } from '../secrets/unserved.ts';
import type { StepDeclaration } from '../steps/step.ts';
import { checkAccess } from './access.ts';
import type { BuilderDeclaration } from './builders.ts';
import { checkLockCycles } from './lock-cycles.ts';
import type { LockAccess, LockDeclaration } from './locks.ts';
import { type Place, reportProblem } from './problems.ts';
import { tagsOfProjects } from './projects.ts';
import type { SchedulerDeclaration } from './schedulers.ts';
import type { SiteDeclaration } from './site.ts';
import type { WorkerDeclaration } from './workers.ts';

type Declared = Omit<SiteDeclaration, 'locks'>;

/** One use of a lock, with whoever holds it. */
interface LockUse extends LockAccess {
  readonly holder: string;
  readonly place: Place | null;
  /** On which it may be held. */
  readonly workers: readonly WorkerDeclaration[];
}

/** Every use of a lock that the declarations tell; steps whose locks a function computes tell none. */
export function lockUses(site: Pick<Declared, 'workers' | 'builders'>): LockUse[] {
  return [
    ...site.workers.flatMap((worker) => usesOf(worker.locks, titleOf(worker), worker.place, [worker])),
    ...site.builders.flatMap((builder) => [
      ...usesOf(builder.locks, titleOf(builder), builder.place, builder.workers),
      ...builder.factory.steps.flatMap((step) =>
        usesOf(declaredLocks(step), stepTitle(step, builder), step.place, builder.workers),
      ),
    ]),
  ];
}

function usesOf(
  locks: readonly LockAccess[],
  holder: string,
  place: Place | null,
  workers: readonly WorkerDeclaration[],
): LockUse[] {
  return locks.map((use) => ({ ...use, holder, place, workers }));
}

function declaredLocks(step: StepDeclaration): readonly LockAccess[] {
  return typeof step.locks === 'function' ? [] : step.locks;
}

/** Reports what only the site as a whole can tell: names, references between declarations, locks, directories. */
export function checkWhole(site: SiteDeclaration): void {
  checkNames(site);
  checkBuilders(site);
  for (const builder of site.builders) {
    checkWorkers(builder, site);
    checkHeldLocks(builder);
    for (const step of builder.factory.steps) checkTriggers(step, builder, site);
  }
  checkLockCycles(site);
  checkDirectories(site.builders);
  for (const use of lockUses(site)) checkCount(use);
  for (const lock of site.locks) checkLimits(lock, site);
  for (const scheduler of site.schedulers) checkScheduler(scheduler, site);
  checkAccess(site);
  checkSecrets(site);
  checkProjects(site);
  checkPools(site);
  checkReporters(site);
}

function checkBuilders({ builders, projects, place }: SiteDeclaration): void {
  if (builders.length === 0 && projects === null)
    reportProblem(place, 'site: option "builders": must have at least one builder, or the site projects');
}

/** Who would start its workers must be known, and the other way round. */
function checkPools({ pools, workers }: SiteDeclaration): void {
  unique('pool', pools);
  for (const pool of pools)
    if (pool.workers.some((worker) => !workers.includes(worker)))
      reportProblem(
        pool.place,
        `pool "${pool.name}": its workers are not among the site's workers; add ...POOL.workers to site({ workers })`,
      );
}

/** Reports link to the page; what limits them must be there. */
function checkReporters({ reporters, builders, projects, url }: SiteDeclaration): void {
  unique('reporter', reporters);
  const tagged = new Set([...builders.flatMap((builder) => builder.tags), ...tagsOfProjects(projects)]);
  for (const reporter of reporters) {
    const wrong = (what: string) => reportProblem(reporter.place, `reporter "${reporter.name}" ${what}`);
    if (url === null) wrong('links to the page; say where that is: site({ url })');
    for (const { name } of reporter.builders?.filter((builder) => !builders.includes(builder)) ?? [])
      wrong(`names builder "${name}", which the site does not list in builders`);
    for (const tag of reporter.tags?.filter((one) => !tagged.has(one)) ?? [])
      wrong(`names tag "${tag}", which no builder has`);
  }
}

/** What pipelines of projects are offered must be the site's own. */
function checkProjects({ projects, workers, schedulers }: SiteDeclaration): void {
  if (projects === null) return;
  for (const [platform, own] of Object.entries(projects.platforms))
    for (const { name } of own.filter((worker) => !workers.includes(worker)))
      reportProblem(
        projects.place,
        `projects: platform "${platform}": worker "${name}" is not among the site's workers; add it to site({ workers })`,
      );
  for (const [publisher, scheduler] of Object.entries(projects.publish))
    if (!schedulers.includes(scheduler))
      reportProblem(
        projects.place,
        `projects: publish "${publisher}": scheduler "${scheduler.name}" is not among the site's schedulers; add it to site({ schedulers })`,
      );
}

function checkNames(site: SiteDeclaration): void {
  unique('worker', site.workers);
  unique('builder', site.builders);
  unique('scheduler', site.schedulers);
  unique('lock', site.locks);
  const pollers = site.changeSources.filter((source) => source.type === 'gitPoller');
  unique('source of change', pollers);
  const hooks = site.changeSources.filter((source) => source.type === 'webhook');
  unique(
    'webhook',
    hooks.map(({ dialect, place }) => ({ name: dialect, place })),
  );
}

function unique(what: string, things: readonly { readonly name: string; readonly place: Place | null }[]): void {
  const seen = new Map<string, { readonly place: Place | null }>();
  for (const thing of things) {
    // One without a name was reported by itself.
    if (thing.name === '') continue;
    const first = seen.get(thing.name);
    if (first === undefined) seen.set(thing.name, thing);
    else
      reportProblem(
        thing.place,
        `a second ${what} is named "${thing.name}"${theFirst(first.place)}; names are written once only`,
      );
  }
}

function theFirst(place: Place | null): string {
  return place === null ? '' : ` (the first is at ${place.file}:${place.line})`;
}

function checkWorkers(builder: BuilderDeclaration, site: SiteDeclaration): void {
  for (const worker of builder.workers)
    if (!site.workers.includes(worker))
      reportProblem(
        builder.place,
        `${titleOf(builder)}: worker "${worker.name}" is not among the site's workers; add it to site({ workers })`,
      );
}

/** A build holds its builder's and its worker's locks: its builder, or a step, that wants one again waits for itself. */
function checkHeldLocks(builder: BuilderDeclaration): void {
  const held = new Map<LockDeclaration, string>();
  for (const worker of builder.workers)
    for (const { lock } of worker.locks) held.set(lock, `its worker "${worker.name}"`);
  refuseHeld(builder.locks, held, titleOf(builder), builder.place);
  for (const { lock } of builder.locks) held.set(lock, 'the builder');
  for (const step of builder.factory.steps) refuseHeld(declaredLocks(step), held, stepTitle(step, builder), step.place);
}

function refuseHeld(
  locks: readonly LockAccess[],
  held: ReadonlyMap<LockDeclaration, string>,
  who: string,
  place: Place | null,
): void {
  locks.forEach(({ lock }, i) => {
    const holder = held.get(lock);
    if (holder !== undefined)
      reportProblem(place, `${who}: lock "${lock.name}" is held by ${holder} already; it would wait for its own build`);
    if (locks.findIndex((other) => other.lock === lock) < i)
      reportProblem(place, `${who}: lock "${lock.name}" is named twice; take it once, with the count that is needed`);
  });
}

function checkCount({ lock, mode, count, holder, place, workers }: LockUse): void {
  if (mode === 'exclusive' || lock.scope === 'master') return;
  for (const { name } of workers) {
    const most = lock.maxCountForWorker[name] ?? lock.maxCount;
    // More than any worker has was reported by counting().
    const isReported = count > Math.max(lock.maxCount, ...Object.values(lock.maxCountForWorker));
    if (count > most && !isReported)
      reportProblem(
        place,
        `${holder}: lock "${lock.name}": counting(${count}) can never be granted on worker "${name}", where it has maxCount ${most}`,
      );
  }
}

function checkLimits(lock: LockDeclaration, site: SiteDeclaration): void {
  for (const name of Object.keys(lock.maxCountForWorker))
    if (!site.workers.some((worker) => worker.name === name))
      reportProblem(
        lock.place,
        `lock "${lock.name}": maxCountForWorker names "${name}", which is no worker of the site`,
      );
}

function checkTriggers(step: StepDeclaration, builder: BuilderDeclaration, site: SiteDeclaration): void {
  const who = stepTitle(step, builder);
  for (const name of step.triggers) {
    const target = site.schedulers.find((scheduler) => scheduler.name === name);
    if (target === undefined)
      reportProblem(
        step.place,
        `${who}: scheduler "${name}" is not among the site's schedulers; add it to site({ schedulers })`,
      );
    else if (target.kind !== 'triggerable')
      reportProblem(
        step.place,
        `${who}: scheduler "${name}" is ${target.kind}, only a triggerableScheduler can be triggered`,
      );
  }
}

/** Builds of two builders in one directory of a worker would overwrite each other's files. */
function checkDirectories(builders: readonly BuilderDeclaration[]): void {
  const seen = new Map<string, BuilderDeclaration[]>();
  for (const builder of builders) {
    const sameDirectory = seen.get(builder.directory) ?? [];
    const earlier = sameDirectory.find((other) => other.name !== builder.name && sharesWorker(other, builder));
    seen.set(builder.directory, [...sameDirectory, builder]);
    if (earlier !== undefined && builder.directory !== '')
      reportProblem(
        builder.place,
        `${titleOf(builder)}: the directory "${builder.directory}" on its worker is that of builder "${earlier.name}"${theFirst(earlier.place)}; give it another one`,
      );
  }
}

function sharesWorker(a: BuilderDeclaration, b: BuilderDeclaration): boolean {
  return a.workers.some((worker) => b.workers.includes(worker));
}

function checkScheduler(scheduler: SchedulerDeclaration, site: SiteDeclaration): void {
  for (const builder of scheduler.builders)
    if (!site.builders.includes(builder))
      reportProblem(
        scheduler.place,
        `scheduler "${scheduler.name}": builder "${builder.name}" is not among the site's builders; add it to site({ builders })`,
      );
  if (scheduler.kind !== 'dependent') return;
  // What is no scheduler at all was reported by itself.
  const upstream: SchedulerDeclaration | undefined = scheduler.upstream;
  if (upstream?.type === 'scheduler' && !site.schedulers.includes(upstream))
    reportProblem(
      scheduler.place,
      `scheduler "${scheduler.name}": its upstream "${upstream.name}" is not among the site's schedulers; add it to site({ schedulers })`,
    );
}

function titleOf({ type, name }: { readonly type: string; readonly name: string }): string {
  return `${type} "${name}"`;
}

function stepTitle(step: StepDeclaration, builder: BuilderDeclaration): string {
  return `step "${step.name}" of builder "${builder.name}"`;
}
