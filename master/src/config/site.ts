import type { Json } from '@icefall/shared';
import { z } from 'zod';
import type { BuilderDeclaration } from './builders.ts';
import type { GitPollerDeclaration, WebhookDeclaration } from './changes.ts';
import type { LockDeclaration } from './locks.ts';
import { propertyValuesSchema } from './names.ts';
import { callerPlace, type Place, reportIssues, reportProblem } from './problems.ts';
import type { SchedulerDeclaration } from './schedulers.ts';
import type { WorkerDeclaration } from './workers.ts';

export interface SiteOptions {
  readonly title: string;
  /** Address under which people reach the page; for links. */
  readonly url?: string;
  /** IANA name; default UTC. Cron schedules are read in it. */
  readonly timeZone?: string;
  readonly workers: readonly WorkerDeclaration[];
  readonly builders: readonly BuilderDeclaration[];
  readonly schedulers?: readonly SchedulerDeclaration[];
  readonly changeSources?: readonly (GitPollerDeclaration | WebhookDeclaration)[];
  /** Of every build, weakest in precedence. */
  readonly properties?: Readonly<Record<string, Json>>;
  /** What branch and revision from outside may look like. */
  readonly validation?: { readonly branch?: RegExp; readonly revision?: RegExp };
}

/** A whole site: what a configuration module exports as its default. */
export interface SiteDeclaration {
  readonly type: 'site';
  readonly title: string;
  readonly url: string | null;
  readonly timeZone: string;
  readonly workers: readonly WorkerDeclaration[];
  readonly builders: readonly BuilderDeclaration[];
  readonly schedulers: readonly SchedulerDeclaration[];
  readonly changeSources: readonly (GitPollerDeclaration | WebhookDeclaration)[];
  readonly properties: Readonly<Record<string, Json>>;
  readonly validation: { readonly branch: RegExp; readonly revision: RegExp };
  /** Every lock that a builder, step or worker uses, found by walking them. */
  readonly locks: readonly LockDeclaration[];
  readonly place: Place | null;
}

const typed = (types: readonly string[], hint: string) =>
  z.custom<object>(
    (value) => typeof value === 'object' && value !== null && types.includes(String(Reflect.get(value, 'type'))),
    hint,
  );
const siteSchema = z.strictObject({
  title: z.string().min(1),
  url: z.url().optional(),
  timeZone: z.string().refine(isTimeZone, 'must be an IANA time zone such as Europe/Zurich').optional(),
  workers: z.array(typed(['worker'], 'must be a worker(...)')),
  builders: z.array(typed(['builder'], 'must be a builder(...)')).min(1, 'must have at least one builder'),
  schedulers: z.array(typed(['scheduler'], 'must be a scheduler')).optional(),
  changeSources: z.array(typed(['gitPoller', 'webhook'], 'must be a gitPoller(...) or webhook(...)')).optional(),
  properties: propertyValuesSchema.optional(),
  validation: z
    .strictObject({ branch: z.instanceof(RegExp).optional(), revision: z.instanceof(RegExp).optional() })
    .optional(),
});

/** Buildbot's defaults: enough for every real name, nothing that a shell or Git could take for something else. */
const BRANCH = /^(?!-)[\w.+/~-]*$/;
const REVISION = /^(?!-)[\w./-]*$/;

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }) !== null;
  } catch {
    return false;
  }
}

/** Declares the site and checks what only the whole can tell. */
export function site(options: SiteOptions): SiteDeclaration {
  const place = callerPlace();
  const parsed = siteSchema.safeParse(options);
  if (!parsed.success) reportIssues(place, 'site', options, parsed.error.issues);
  const list = <T extends { type: string }>(
    values: readonly T[] | undefined,
    types: readonly string[],
  ): readonly T[] => (Array.isArray(values) ? values.filter((value) => types.includes(value?.type)) : []);
  const declaration: SiteDeclaration = {
    type: 'site',
    title: options.title,
    url: options.url ?? null,
    timeZone: options.timeZone ?? 'UTC',
    workers: list(options.workers, ['worker']),
    builders: list(options.builders, ['builder']),
    schedulers: list(options.schedulers, ['scheduler']),
    changeSources: list(options.changeSources, ['gitPoller', 'webhook']),
    properties: options.properties ?? {},
    validation: { branch: options.validation?.branch ?? BRANCH, revision: options.validation?.revision ?? REVISION },
    locks: locksOf(options),
    place,
  };
  checkWhole(declaration);
  return Object.freeze(declaration);
}

function locksOf(options: SiteOptions): LockDeclaration[] {
  const uses = [
    ...(options.workers ?? []).flatMap((worker) => worker?.locks ?? []),
    ...(options.builders ?? []).flatMap((builder) => [
      ...(builder?.locks ?? []),
      ...(builder?.factory?.steps ?? []).flatMap((step) => (typeof step.locks === 'function' ? [] : step.locks)),
    ]),
  ];
  return [...new Set(uses.map((use) => use.lock))];
}

function checkWhole(site: SiteDeclaration): void {
  unique('worker', site.workers);
  unique('builder', site.builders);
  unique('scheduler', site.schedulers);
  unique('lock', site.locks);
  unique(
    'source of change',
    site.changeSources.filter((source) => source.type === 'gitPoller'),
  );
  for (const builder of site.builders) checkBuilder(builder, site);
  for (const scheduler of site.schedulers) checkScheduler(scheduler, site);
}

function unique(what: string, things: readonly { readonly name: string; readonly place: Place | null }[]): void {
  const seen = new Map<string, { readonly place: Place | null }>();
  for (const thing of things) {
    const first = seen.get(thing.name);
    if (first === undefined) seen.set(thing.name, thing);
    else {
      const where = first.place === null ? '' : ` (the first is at ${first.place.file}:${first.place.line})`;
      reportProblem(thing.place, `a second ${what} is named "${thing.name}"${where}; names are written once only`);
    }
  }
}

function checkBuilder(builder: BuilderDeclaration, site: SiteDeclaration): void {
  for (const worker of builder.workers)
    if (!site.workers.includes(worker))
      reportProblem(
        builder.place,
        `builder "${builder.name}": worker "${worker.name}" is not among the site's workers; add it to site({ workers })`,
      );
  const own = new Set(builder.locks.map((use) => use.lock));
  for (const step of builder.factory.steps) {
    const uses = typeof step.locks === 'function' ? [] : step.locks;
    for (const use of uses)
      if (own.has(use.lock))
        reportProblem(
          step.place,
          `step "${step.name}" of builder "${builder.name}": lock "${use.lock.name}" is held by the builder already; the step would wait for its own build`,
        );
    for (const name of step.triggers) {
      const target = site.schedulers.find((scheduler) => scheduler.name === name);
      if (target === undefined)
        reportProblem(
          step.place,
          `step "${step.name}" of builder "${builder.name}": scheduler "${name}" is not among the site's schedulers; add it to site({ schedulers })`,
        );
      else if (target.kind !== 'triggerable')
        reportProblem(
          step.place,
          `step "${step.name}" of builder "${builder.name}": scheduler "${name}" is ${target.kind}, only a triggerableScheduler can be triggered`,
        );
    }
  }
}

function checkScheduler(scheduler: SchedulerDeclaration, site: SiteDeclaration): void {
  for (const builder of scheduler.builders)
    if (!site.builders.includes(builder))
      reportProblem(
        scheduler.place,
        `scheduler "${scheduler.name}": builder "${builder.name}" is not among the site's builders; add it to site({ builders })`,
      );
  if (scheduler.kind === 'dependent' && !site.schedulers.includes(scheduler.upstream))
    reportProblem(
      scheduler.place,
      `scheduler "${scheduler.name}": its upstream "${scheduler.upstream?.name}" is not among the site's schedulers`,
    );
}
