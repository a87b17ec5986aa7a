import { z } from 'zod';
import type { Validation } from '../changes/validation.ts';
import { secretsSchema } from '../secrets/declaration.ts';
import { accessOf, accessSchema } from './access.ts';
import { declared } from './declared.ts';
import { propertyValuesSchema, timeZoneSchema } from './names.ts';
import { callerPlace, reportIssues, usable, valueAt } from './problems.ts';
import type { SiteDeclaration, SiteOptions } from './site.ts';
import { checkWhole, lockUses } from './whole.ts';

const pattern = z.instanceof(RegExp).optional();
const siteSchema = z.strictObject({
  title: z.string().min(1),
  url: z.url().optional(),
  timeZone: timeZoneSchema.optional(),
  workers: z.array(declared('worker', 'must be a worker(...)')),
  builders: z.array(declared('builder', 'must be a builder(...)')),
  schedulers: z.array(declared('scheduler', 'must be a scheduler')).optional(),
  changeSources: z.array(declared(['gitPoller', 'webhook'], 'must be a gitPoller(...) or webhook(...)')).optional(),
  pools: z.array(declared('pool', 'must be a kubernetesPool(...) or dockerPool(...)')).optional(),
  projects: declared('projects', 'must be projects(...)').nullish(),
  properties: propertyValuesSchema.optional(),
  validation: z.strictObject({ branch: pattern, revision: pattern, repository: pattern.nullable() }).optional(),
  deadlocks: z.enum(['resolve', 'report']).optional(),
  access: accessSchema.optional(),
  secrets: secretsSchema.nullable().optional(),
  reporters: z
    .array(declared('reporter', 'must be a mailReporter(...), commitStatusReporter(...) or webhookReporter(...)'))
    .optional(),
});

/**
 * Enough for every real name (letters of any script, `fix/#12`, `renovate/@types`), nothing that a shell or Git could take
 * for something else.
 */
const BRANCH = /^(?![-#])[\p{L}\p{M}\p{N}_.,+/~@#=-]*$/u;
const REVISION = /^(?!-)[\w./-]*$/;

function validationOf(given: SiteOptions['validation']): Validation {
  const { branch = BRANCH, revision = REVISION, repository = null } = given ?? {};
  return { branch, revision, repository };
}

/** Declares the site and checks what only the whole can tell. */
export function site(options: SiteOptions): SiteDeclaration {
  const place = callerPlace();
  const parsed = siteSchema.safeParse(options);
  if (!parsed.success) reportIssues(place, 'site', options, parsed.error.issues);
  const given = usable(siteSchema, options);
  const declaration = {
    type: 'site' as const,
    title: given.title ?? '',
    url: given.url ?? null,
    timeZone: given.timeZone ?? 'UTC',
    workers: listed(options, 'workers', ['worker']),
    builders: listed(options, 'builders', ['builder']),
    schedulers: listed(options, 'schedulers', ['scheduler']),
    changeSources: listed(options, 'changeSources', ['gitPoller', 'webhook']),
    pools: listed(options, 'pools', ['pool']),
    projects: given.projects ?? null,
    properties: given.properties ?? {},
    validation: validationOf(given.validation),
    deadlocks: given.deadlocks ?? ('resolve' as const),
    access: accessOf(given.access),
    secrets: given.secrets ?? null,
    reporters: listed(options, 'reporters', ['reporter']),
    place,
  };
  const offered = declaration.projects?.locks ?? [];
  const locks = [...new Set([...lockUses(declaration).map(({ lock }) => lock), ...offered])];
  const whole = Object.freeze({ ...declaration, locks });
  checkWhole(whole);
  return whole;
}

/** What an option lists, without what should not be in it. */
function listed<K extends keyof SiteOptions>(options: SiteOptions, key: K, types: readonly string[]) {
  const values: unknown = valueAt(options, [key]);
  const isListed = (value: unknown): value is NonNullable<SiteOptions[K]> extends readonly (infer E)[] ? E : never =>
    types.includes(String(valueAt(value, ['type'])));
  return Array.isArray(values) ? values.filter(isListed) : [];
}
