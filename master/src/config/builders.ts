import type { Json, Request } from '@icefall/shared';
import { z } from 'zod';
import { isReference, type Renderable } from '../properties/references.ts';
import { type SecretReference, secretSchema } from '../secrets/reference.ts';
import type { StepDeclaration } from '../steps/step.ts';
import { declared, functionSchema, whyNot } from './declared.ts';
import { type Duration, durationSchema } from './durations.ts';
import { fixedLockAccessSchema, type LockAccess } from './locks.ts';
import { nameSchema, propertyValuesSchema } from './names.ts';
import { callerPlace, nameOf, type Place, reportIssues, reportProblem, titleOf, usable } from './problems.ts';
import type { WorkerDeclaration } from './workers.ts';

/** A list of steps in order. Lists inside lists are flattened, so that composites are plain functions. */
export interface Factory {
  readonly type: 'factory';
  readonly steps: readonly StepDeclaration[];
}
export type Steps = readonly (StepDeclaration | Steps)[];

/** Declares what a builder does. */
export function factory(steps: Steps): Factory {
  const place = callerPlace();
  if (!Array.isArray(steps)) reportProblem(place, 'factory: needs a list of steps: factory([...])');
  const flat = flatten(Array.isArray(steps) ? steps : []);
  flat.forEach((step, i) => {
    if (step?.type !== 'step') reportProblem(place, `factory: element ${i} is not a step`);
  });
  return Object.freeze({ type: 'factory', steps: Object.freeze(flat.filter((step) => step?.type === 'step')) });
}

function flatten(steps: Steps): StepDeclaration[] {
  return steps.flatMap((step) => (isSteps(step) ? flatten(step) : [step]));
}
function isSteps(step: StepDeclaration | Steps): step is Steps {
  return Array.isArray(step);
}

/** A worker that could take a request now. */
export interface WorkerChoice {
  readonly name: string;
  readonly freeSlots: number;
  readonly runningBuilds: number;
  readonly info: Readonly<Record<string, Json>>;
}

export interface BuilderOptions {
  readonly name: string;
  readonly workers: readonly WorkerDeclaration[];
  readonly factory: Factory;
  /** Heading above its column in the waterfall. */
  readonly group?: string;
  readonly description?: string;
  readonly tags?: readonly string[];
  /** For every command of its builds; a step's own environment wins. */
  readonly env?: Readonly<Record<string, Renderable<string | null> | SecretReference>>;
  readonly properties?: Readonly<Record<string, Json>>;
  /** Held for the whole build; it does not start before they are free. */
  readonly locks?: readonly LockAccess[];
  /**
   * Default false. True: a newer request takes in older ones of the same source, repository and properties; a function
   * decides for a pair. A request taken in gets the result of the one it went into.
   */
  readonly collapseRequests?: boolean | ((newer: Request, older: Request) => boolean);
  /** Which of the pending requests (by priority, then age) is tried next; null for none now. Default: the first. */
  readonly nextRequest?: (pending: readonly Request[]) => Request | null;
  /** Which of the free workers takes it; null for none now. Default: the one with most free slots, then in turn. */
  readonly nextWorker?: (free: readonly WorkerChoice[], request: Request) => WorkerChoice | null;
  /** A last word before a start: true, or a reason why not now. */
  readonly mayStart?: (worker: WorkerChoice, request: Request) => true | string;
  /** Directory on the worker, default the builder's name. */
  readonly directory?: string;
  /** How often an attempt that was lost to infrastructure is repeated, and after what time (doubled each time). */
  readonly retry?: { readonly maxAttempts?: number; readonly backOff?: Duration };
}

export interface BuilderDeclaration {
  readonly type: 'builder';
  readonly name: string;
  readonly workers: readonly WorkerDeclaration[];
  readonly factory: Factory;
  readonly group: string;
  readonly description: string;
  readonly tags: readonly string[];
  readonly env: Readonly<Record<string, Renderable<string | null> | SecretReference>>;
  readonly properties: Readonly<Record<string, Json>>;
  readonly locks: readonly LockAccess[];
  readonly collapseRequests: boolean | ((newer: Request, older: Request) => boolean);
  readonly nextRequest: ((pending: readonly Request[]) => Request | null) | null;
  readonly nextWorker: ((free: readonly WorkerChoice[], request: Request) => WorkerChoice | null) | null;
  readonly mayStart: ((worker: WorkerChoice, request: Request) => true | string) | null;
  readonly directory: string;
  readonly retry: { readonly maxAttempts: number; readonly backOffMs: number };
  readonly place: Place | null;
}

const optionsSchema = z.strictObject({
  name: nameSchema,
  workers: z
    .array(declared<WorkerDeclaration>('worker', 'must be a worker(...)'))
    .min(1, 'must name at least one worker'),
  factory: declared<Factory>('factory', 'must be a factory([...])'),
  group: z.string().default(''),
  description: z.string().default(''),
  tags: z.array(z.string().min(1)).default([]),
  env: z
    .record(
      z.string().min(1),
      z.union(
        [z.string(), z.null(), secretSchema, z.custom(isReference)],
        'must be text, null, a reference or a secret(...)',
      ),
    )
    .default({}),
  properties: propertyValuesSchema.default({}),
  locks: z.array(fixedLockAccessSchema).default([]),
  collapseRequests: z.union([z.boolean(), functionSchema], whyNot('must be yes/no or a function')).default(false),
  nextRequest: functionSchema.optional(),
  nextWorker: functionSchema.optional(),
  mayStart: functionSchema.optional(),
  directory: nameSchema.optional(),
  retry: z
    .strictObject({ maxAttempts: z.number().int().positive().default(3), backOff: durationSchema.default(5000) })
    .default({ maxAttempts: 3, backOff: 5000 }),
});

/** Declares a builder. */
export function builder(options: BuilderOptions): BuilderDeclaration {
  const place = callerPlace();
  const parsed = optionsSchema.safeParse(options);
  if (!parsed.success) reportIssues(place, titleOf('builder', options), options, parsed.error.issues);
  const given = usable(optionsSchema, options);
  const { maxAttempts, backOff } = optionsSchema.shape.retry.parse(given.retry);
  const name = nameOf(options);
  return Object.freeze({
    type: 'builder',
    name,
    workers: given.workers ?? [],
    factory: given.factory ?? NO_STEPS,
    group: given.group ?? '',
    description: given.description ?? '',
    tags: given.tags ?? [],
    env: given.env ?? {},
    properties: given.properties ?? {},
    locks: given.locks ?? [],
    collapseRequests: given.collapseRequests ?? false,
    nextRequest: given.nextRequest ?? null,
    nextWorker: given.nextWorker ?? null,
    mayStart: given.mayStart ?? null,
    directory: given.directory ?? name,
    retry: { maxAttempts, backOffMs: backOff },
    place,
  });
}

const NO_STEPS: Factory = Object.freeze({ type: 'factory', steps: [] });
