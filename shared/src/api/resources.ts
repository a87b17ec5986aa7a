import { z } from 'zod';
import { RESULTS } from '../results.ts';
import { blockerSchema, lockHolderSchema } from './blockers.ts';

/**
 * The resources of the REST API and of the event stream: one definition for the master that makes them, the page and
 * the command line that show them, and the OpenAPI document. Times are milliseconds since the epoch.
 */

const id = z.number().int().positive();
const time = z.number();
const result = z.enum(RESULTS);

export const propertySchema = z.object({ value: z.json(), source: z.string() });
export const propertiesSchema = z.record(z.string(), propertySchema);
export type Properties = z.infer<typeof propertiesSchema>;

export const sourceStampSchema = z.object({
  codebase: z.string(),
  repository: z.string(),
  /** Null: the repository's default branch. */
  branch: z.string().nullable(),
  /** Null: the tip at the time of the checkout. */
  revision: z.string().nullable(),
  project: z.string(),
});
export type SourceStamp = z.infer<typeof sourceStampSchema>;

export const commitSchema = z.object({
  revision: z.string(),
  author: z.string(),
  message: z.string(),
  at: time,
});
export type Commit = z.infer<typeof commitSchema>;

/** One push: its newest commit, and all of them in `commits` (oldest first). */
export const changeSchema = z.object({
  id,
  author: z.string(),
  committer: z.string().nullable(),
  message: z.string(),
  revision: z.string().nullable(),
  branch: z.string().nullable(),
  repository: z.string(),
  codebase: z.string(),
  project: z.string(),
  category: z.string().nullable(),
  files: z.array(z.string()),
  link: z.string().nullable(),
  commits: z.array(commitSchema),
  properties: propertiesSchema,
  /** What told us: a source of change's name, a webhook, or `sendchange`. */
  source: z.string(),
  at: time,
  receivedAt: time,
});
export type Change = z.infer<typeof changeSchema>;

export const buildsetSchema = z.object({
  id,
  scheduler: z.string(),
  reason: z.string(),
  /** Person who started it, where one did. */
  owner: z.string().nullable(),
  sourceStamps: z.array(sourceStampSchema),
  changeIds: z.array(id),
  requestIds: z.array(id),
  properties: propertiesSchema,
  parentBuildId: id.nullable(),
  parentStepNumber: z.number().int().nullable(),
  createdAt: time,
  finishedAt: time.nullable(),
  result: result.nullable(),
});
export type Buildset = z.infer<typeof buildsetSchema>;

export const REQUEST_STATES = ['pending', 'building', 'finished'] as const;
export const requestSchema = z.object({
  id,
  buildsetId: id,
  builder: z.string(),
  priority: z.number(),
  state: z.enum(REQUEST_STATES),
  result: result.nullable(),
  submittedAt: time,
  finishedAt: time.nullable(),
  /** The request whose result this one takes. */
  collapsedInto: id.nullable(),
  /** Builds of this request, oldest first: one an attempt. */
  buildIds: z.array(id),
  blocker: blockerSchema.nullable(),
  blockedSince: time.nullable(),
  reason: z.string(),
  owner: z.string().nullable(),
  parentBuildId: id.nullable(),
});
export type Request = z.infer<typeof requestSchema>;

export const STEP_STATES = ['pending', 'waitingForLocks', 'running', 'finished'] as const;
export const logSchema = z.object({
  id,
  buildId: id,
  stepNumber: z.number().int(),
  name: z.string(),
  lines: z.number().int(),
  bytes: z.number().int(),
  complete: z.boolean(),
});
export type Log = z.infer<typeof logSchema>;

export const stepSchema = z.object({
  buildId: id,
  /** From 0. */
  number: z.number().int(),
  name: z.string(),
  kind: z.string(),
  state: z.enum(STEP_STATES),
  result: result.nullable(),
  /** Null until the step is reached. */
  startedAt: time.nullable(),
  /** When its locks were granted; equal to startedAt where it needed none. */
  locksAcquiredAt: time.nullable(),
  finishedAt: time.nullable(),
  summary: z.string(),
  hidden: z.boolean(),
  blocker: blockerSchema.nullable(),
  urls: z.array(z.object({ name: z.string(), url: z.string() })),
  /** Requests that a trigger step made. */
  triggeredRequestIds: z.array(id),
  logs: z.array(logSchema),
  /** Process on the worker, once it has begun. */
  pid: z.number().int().nullable(),
});
export type Step = z.infer<typeof stepSchema>;

/** preparing: no step begun; running; waiting: only for triggered builds or for its slot; finishing: clean-up steps after a stop. */
export const BUILD_STATES = ['preparing', 'running', 'waiting', 'finishing', 'finished'] as const;
/** A build without its steps: what build events carry. */
export const buildHeadSchema = z.object({
  id,
  builder: z.string(),
  /** Counts from 1 for each builder. */
  number: z.number().int(),
  requestId: id,
  buildsetId: id,
  attempt: z.number().int(),
  worker: z.string(),
  state: z.enum(BUILD_STATES),
  result: result.nullable(),
  submittedAt: time,
  startedAt: time,
  finishedAt: time.nullable(),
  summary: z.string(),
  reason: z.string(),
  owner: z.string().nullable(),
  scheduler: z.string(),
  sourceStamps: z.array(sourceStampSchema),
  changeIds: z.array(id),
  parentBuildId: id.nullable(),
  properties: propertiesSchema,
  /** Set once somebody asked to stop it. */
  stopReason: z.string().nullable(),
  /** Worker away: when its grace ends. */
  graceUntil: time.nullable(),
  /** Median run time of the last successful builds of the builder, milliseconds. */
  estimateMs: z.number().nullable(),
});
export type BuildHead = z.infer<typeof buildHeadSchema>;
export const buildSchema = buildHeadSchema.extend({ steps: z.array(stepSchema) });
export type Build = z.infer<typeof buildSchema>;

export const builderSchema = z.object({
  name: z.string(),
  group: z.string(),
  description: z.string(),
  tags: z.array(z.string()),
  workers: z.array(z.string()),
  pendingRequests: z.number().int(),
  runningBuilds: z.number().int(),
  lastResult: result.nullable(),
  /** Force schedulers that offer this builder. */
  forceSchedulers: z.array(z.string()),
});
export type Builder = z.infer<typeof builderSchema>;

export const workerSchema = z.object({
  name: z.string(),
  connected: z.boolean(),
  connectedSince: time.nullable(),
  lastSeenAt: time.nullable(),
  paused: z.boolean(),
  /** It said that it is shutting down. */
  leaving: z.boolean(),
  maxBuilds: z.number().int(),
  /** Builds that hold a slot now. */
  buildIds: z.array(id),
  builders: z.array(z.string()),
  info: z.record(z.string(), z.json()).nullable(),
  /** What refused its last attempt to connect, if anything did. */
  lastRefusal: z.string().nullable(),
});
export type Worker = z.infer<typeof workerSchema>;

export const lockWaiterSchema = z.object({
  position: z.number().int(),
  buildId: id.nullable(),
  requestId: id.nullable(),
  builder: z.string(),
  buildNumber: z.number().int().nullable(),
  stepNumber: z.number().int().nullable(),
  stepName: z.string().nullable(),
  mode: z.enum(['counting', 'exclusive']),
  count: z.number().int(),
  since: time,
});
export const lockSchema = z.object({
  /** A worker lock has one entry for each worker, named `lock@worker`. */
  name: z.string(),
  scope: z.enum(['master', 'worker']),
  worker: z.string().nullable(),
  maxCount: z.number().int(),
  holders: z.array(lockHolderSchema),
  waiters: z.array(lockWaiterSchema),
  /** The waiter that has waited longest, once that is longer than the lock's `alarmAfter`, and since when it is. */
  alarm: z.object({ waiter: lockWaiterSchema, since: time }).nullable().optional(),
});
export type Lock = z.infer<typeof lockSchema>;

/** A use of a lock that is over. */
export const lockUseSchema = lockHolderSchema.extend({ lock: z.string(), until: time });
export type LockUse = z.infer<typeof lockUseSchema>;

/** A worker's connection; `until` is null while it lasts. */
export const workerConnectionSchema = z.object({ worker: z.string(), since: time, until: time.nullable() });
export type WorkerConnection = z.infer<typeof workerConnectionSchema>;

export const schedulerSchema = z.object({
  name: z.string(),
  kind: z.string(),
  builders: z.array(z.string()),
  enabled: z.boolean(),
  /** Next time the clock starts it, where it knows. */
  nextAt: time.nullable(),
  lastAt: time.nullable(),
  /** What in the site's program kept it from starting the last time, if anything did. */
  lastError: z.string().nullable().optional(),
  /** The form, for a force scheduler. */
  form: z.lazy(() => forceFormSchema).nullable(),
});
export type Scheduler = z.infer<typeof schedulerSchema>;

const fieldCommon = {
  name: z.string(),
  label: z.string(),
  tooltip: z.string(),
  required: z.boolean(),
};
export interface FieldGroup {
  type: 'group';
  name: string;
  label: string;
  tooltip: string;
  required: boolean;
  layout: 'vertical' | 'horizontal' | 'tabs';
  fields: FormField[];
}
export type FormField = z.infer<typeof simpleFieldSchema> | FieldGroup;

const simpleFieldSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('text'),
    ...fieldCommon,
    default: z.string(),
    pattern: z.string().nullable(),
    maxLength: z.number().int().nullable(),
  }),
  z.object({
    type: z.literal('multiline'),
    ...fieldCommon,
    default: z.string(),
    maxLength: z.number().int().nullable(),
  }),
  z.object({
    type: z.literal('integer'),
    ...fieldCommon,
    default: z.number().int().nullable(),
    min: z.number().nullable(),
    max: z.number().nullable(),
  }),
  z.object({ type: z.literal('boolean'), ...fieldCommon, default: z.boolean() }),
  z.object({
    type: z.literal('choice'),
    ...fieldCommon,
    default: z.union([z.string(), z.array(z.string())]),
    choices: z.array(z.string()),
    multiple: z.boolean(),
    strict: z.boolean(),
  }),
  z.object({ type: z.literal('fixed'), ...fieldCommon, value: z.json() }),
  z.object({ type: z.literal('user'), ...fieldCommon, default: z.string(), needEmail: z.boolean() }),
  z.object({
    type: z.literal('codebase'),
    ...fieldCommon,
    codebase: z.string(),
    default: z.object({ repository: z.string(), branch: z.string(), revision: z.string(), project: z.string() }),
    /** Parts that the form shows; the others keep their defaults. */
    shown: z.array(z.enum(['repository', 'branch', 'revision', 'project'])),
  }),
]);
export const formFieldSchema: z.ZodType<FormField> = z.union([
  simpleFieldSchema,
  z.object({
    type: z.literal('group'),
    ...fieldCommon,
    layout: z.enum(['vertical', 'horizontal', 'tabs']),
    fields: z.array(z.lazy(() => formFieldSchema)),
  }),
]);
export const forceFormSchema = z.object({
  label: z.string(),
  button: z.string(),
  fields: z.array(formFieldSchema),
});
export type ForceForm = z.infer<typeof forceFormSchema>;

/** Body of a force: `values` by field name; a named group's values are an object under its name. */
export const forceRequestSchema = z.object({
  builders: z.array(z.string()).optional(),
  reason: z.string().max(1000).optional(),
  owner: z.string().max(200).optional(),
  priority: z.number().int().min(-1_000_000).max(1_000_000).optional(),
  values: z.record(z.string(), z.json()).default({}),
});
export type ForceRequest = z.infer<typeof forceRequestSchema>;

/** What a program or hook sends to tell of a push. */
export const sendChangeSchema = z.object({
  repository: z.string().min(1).max(2000),
  branch: z.string().max(500).nullable().default(null),
  revision: z.string().max(200).nullable().default(null),
  author: z.string().max(500).default('unknown'),
  committer: z.string().max(500).nullable().default(null),
  message: z.string().max(100_000).default(''),
  files: z.array(z.string().max(4096)).max(100_000).default([]),
  commits: z.array(commitSchema).max(10_000).default([]),
  codebase: z.string().max(200).default(''),
  project: z.string().max(200).default(''),
  category: z.string().max(200).nullable().default(null),
  link: z.string().max(2000).nullable().default(null),
  properties: z.record(z.string(), z.json()).default({}),
  /** When it was made; default: now. */
  at: z.number().optional(),
  /** The same id a second time makes no second change. */
  deliveryId: z.string().max(200).optional(),
});
export type SendChange = z.infer<typeof sendChangeSchema>;

export const LOG_STREAMS = ['header', 'stdout', 'stderr'] as const;
export const logLineSchema = z.object({
  /** From 0. */
  n: z.number().int(),
  stream: z.enum(LOG_STREAMS),
  /** When the line was written, by the worker's clock. */
  at: time,
  text: z.string(),
});
export type LogLine = z.infer<typeof logLineSchema>;
export const logLinesSchema = z.object({
  logId: id,
  first: z.number().int(),
  lines: z.array(logLineSchema),
  /** Lines in the log now. */
  total: z.number().int(),
  complete: z.boolean(),
});
export type LogLines = z.infer<typeof logLinesSchema>;

/** What a search in a log has found since the piece before. */
export const logSearchPieceSchema = z.object({
  logId: id,
  /** Numbers of lines, rising, from 0. */
  hits: z.array(z.number().int()),
  /** The lines themselves, where they were asked for. */
  texts: z.array(z.string()).optional(),
  /** Line up to which (without it) the log was searched. */
  done: z.number().int(),
  /** The limit was reached: there may be more. */
  isFull: z.boolean(),
});
export type LogSearchPiece = z.infer<typeof logSearchPieceSchema>;

/** Something that a person has to look at, for as long as it lasts. */
export const alarmSchema = z.object({
  /**
   * For programs: `storageUnavailable`, `diskSpaceLow`, `clockJumped`, `masterMistake`,
   * `configurationChanged`, `lockWait LOCK`, `notCleanedUp BUILDER@WORKER`.
   */
  kind: z.string(),
  /** What is wrong, where, and what to do. */
  message: z.string(),
  since: time,
});
export type Alarm = z.infer<typeof alarmSchema>;

export const statusSchema = z.object({
  title: z.string(),
  url: z.string(),
  version: z.string(),
  startedAt: time,
  now: time,
  timeZone: z.string(),
  configVersion: z.number().int(),
  configLoadedAt: time,
  /** What went wrong at the last reload, if anything did; the older configuration runs on. */
  configErrors: z.array(z.string()),
  /** What a person has to look at now; empty when all is well. */
  alarms: z.array(alarmSchema),
  /** Since when no new builds are started, because the master is to stop; null: they are. */
  drainingSince: time.nullable(),
  seq: z.number().int(),
  pendingRequests: z.number().int(),
  runningBuilds: z.number().int(),
  workersConnected: z.number().int(),
  workers: z.number().int(),
});
export type Status = z.infer<typeof statusSchema>;

/** Everything the waterfall needs to start, valid at `seq`; the event stream goes on from there. */
export const snapshotSchema = z.object({
  seq: z.number().int(),
  status: statusSchema,
  builders: z.array(builderSchema),
  /** Running builds, and finished ones back to `since`, newest first. */
  builds: z.array(buildSchema),
  since: time,
  /** Whether there are older builds. */
  more: z.boolean(),
  requests: z.array(requestSchema),
  changes: z.array(changeSchema),
  workers: z.array(workerSchema),
  locks: z.array(lockSchema),
  schedulers: z.array(schedulerSchema),
});
export type Snapshot = z.infer<typeof snapshotSchema>;

export const errorSchema = z.object({
  error: z.object({
    code: z.string(),
    message: z.string(),
    /** By field path, where the request had fields. */
    fields: z.record(z.string(), z.string()).optional(),
  }),
});
export type ApiError = z.infer<typeof errorSchema>;
