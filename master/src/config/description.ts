import type { DeclaredBuilder, DeclaredStep, DeclaredThing, Json, JsonObject, SiteDescription } from '@icefall/shared';
import { isReference } from '../properties/references.ts';
import type { StepDeclaration } from '../steps/step.ts';
import type { BuilderDeclaration } from './builders.ts';
import type { GitPollerDeclaration, WebhookDeclaration } from './changes.ts';
import type { LockAccess, LockDeclaration } from './locks.ts';
import { nameOf } from './problems.ts';
import type { SiteDeclaration } from './site.ts';

type Options = DeclaredThing['options'];

/** Not options: what a declaration is and where it was made. */
const OWN = new Set(['type', 'name', 'kind', 'place']);
/** Names of variables and options whose values are nobody's business: they are hidden, so a change of them is not seen. */
const SECRET_NAME = /passw|secret|token|credential|api_?key|private_?key/i;
/** A password in an address: `https://user:password@host`. */
const PASSWORD_IN_URL = /(\b[a-z][a-z0-9+.-]*:\/\/[^/\s:@]*):[^/\s@]+@/gi;
/** Deeper than any option; what lies below is told as text. */
const MOST_DEPTH = 20;

const described = new WeakMap<SiteDeclaration, SiteDescription>();

/**
 * A configuration as data, the same for the same program. Functions are told by their source text: what they close over
 * is not in it. Of tokens only the source is told, and values that are named like secrets are hidden.
 */
export function describeSite(site: SiteDeclaration): SiteDescription {
  let description = described.get(site);
  if (description === undefined) {
    description = describeNow(site);
    described.set(site, description);
  }
  return description;
}

/** Has a site with its projects described as what its program says: what repositories add to it is not of the program. */
export function describeAs(withProjects: SiteDeclaration, site: SiteDeclaration): void {
  described.set(withProjects, describeSite(site));
}

function describeNow(site: SiteDeclaration): SiteDescription {
  const { title, url, timeZone, properties, validation, access, pools, projects, secrets, reporters } = site;
  return {
    options: optionsOf({
      ...{ title, url, timeZone, properties, validation },
      ...(access === null ? {} : { access }),
      ...(pools.length === 0 ? {} : { pools: pools.map((pool) => ({ name: pool.name, ...optionsOf(pool) })) }),
      ...(projects === null ? {} : { projects: optionsOf(projects) }),
      ...(secrets === null ? {} : { secrets: { from: secrets.from.map(({ title }) => title), allow: secrets.allow } }),
      ...(reporters.length === 0 ? {} : { reporters: reporters.map(({ type, place, ...options }) => options) }),
    }),
    builders: site.builders.map(describeBuilder),
    schedulers: site.schedulers.map((scheduler) => thing(scheduler, scheduler.kind)),
    workers: site.workers.map((worker) => thing(worker, 'worker')),
    locks: site.locks.map(describeLock),
    changeSources: site.changeSources.map(describeSource),
  };
}

function thing(declaration: object, kind: string): DeclaredThing {
  return { name: nameOf(declaration), kind, options: optionsOf(declaration) };
}

function describeBuilder({ factory, ...builder }: BuilderDeclaration): DeclaredBuilder {
  return { ...thing(builder, 'builder'), steps: factory.steps.map(describeStep) };
}

function describeStep(step: StepDeclaration): DeclaredStep {
  const { flags, alwaysRun, doStepIf, hideStepIf, locks, retryable, options } = step;
  const common = { ...flags, alwaysRun, doStepIf, hideStepIf, locks, retryable };
  return { name: step.name, kind: step.kind, options: { ...optionsOf(common), ...optionsOf(options) } };
}

function describeLock({ scope, maxCount, maxCountForWorker, name }: LockDeclaration): DeclaredThing {
  return { name, kind: `${scope} lock`, options: optionsOf({ maxCount, maxCountForWorker }) };
}

function describeSource(source: GitPollerDeclaration | WebhookDeclaration): DeclaredThing {
  if (source.type === 'gitPoller') return thing(source, 'gitPoller');
  const { dialect, secrets, ...rest } = source;
  // The name of a secret's source is no secret.
  const sources = secrets.map((secret) => ('file' in secret ? `file ${secret.file}` : `variable ${secret.env}`));
  return { name: dialect, kind: 'webhook', options: { ...optionsOf(rest), secrets: sources } };
}

function optionsOf(declaration: object): Options {
  const options: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(declaration)) {
    if (OWN.has(name) && 'place' in declaration) continue;
    options[name] = name === 'token' ? tokenOf(value) : describeNamed(name, value, 0);
  }
  // JSON has no difference between what is undefined and what is not there.
  return JSON.parse(JSON.stringify(options));
}

function tokenOf(source: unknown): Json {
  if (typeof source !== 'object' || source === null) return null;
  const file: unknown = Reflect.get(source, 'file');
  return file === undefined ? `variable ${Reflect.get(source, 'env')}` : `file ${file}`;
}

function describeNamed(name: string, value: unknown, depth: number): Json {
  return SECRET_NAME.test(name) && isText(value) ? { $hidden: true } : describeValue(value, depth);
}

function isText(value: unknown): boolean {
  return typeof value === 'string' || isReference(value);
}

function describeValue(value: unknown, depth: number): Json {
  if (typeof value === 'string') return value.replace(PASSWORD_IN_URL, '$1:***@');
  if (typeof value === 'number' || typeof value === 'boolean' || value === null || value === undefined)
    return value ?? null;
  if (typeof value === 'function') return { $function: sourceText(value) };
  if (value instanceof RegExp) return { $pattern: String(value) };
  if (typeof value !== 'object' || depth > MOST_DEPTH) return String(value);
  if (isReference(value)) {
    const of = value.parts.map((part) => describeValue(part, depth + 1));
    return of.length === 0 ? { $reference: value.text } : { $reference: value.text, of };
  }
  return describeObject(value, depth);
}

function describeObject(value: object, depth: number): Json {
  if (Array.isArray(value)) return value.map((element) => describeValue(element, depth + 1));
  if (isLockAccess(value)) return describeAccess(value);
  if ('type' in value && 'field' in value) return describeValue(value.field, depth + 1);
  // Another declaration: what it is, is told where it is declared.
  if ('type' in value && 'place' in value) return nameOf(value);
  const entries = Object.entries(value).map(([name, part]) => [name, describeNamed(name, part, depth + 1)]);
  return Object.fromEntries(entries) as JsonObject;
}

function describeAccess({ lock, mode, count, path = '' }: LockAccess): string {
  const part = isReference(path) ? `/${path.text}` : path === '' ? '' : `/${path}`;
  return `${lock.name}${part}, ${mode}${count === 1 ? '' : ` ${count}`}`;
}

function isLockAccess(value: object): value is LockAccess {
  return 'type' in value && value.type === 'lockAccess';
}

/** Without the indentation of where it stands. */
function sourceText(value: object): string {
  return String(value).replace(/\s+/g, ' ');
}
