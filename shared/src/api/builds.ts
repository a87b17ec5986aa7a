import { z } from 'zod';
import { blockerSchema } from './blockers.ts';
import { sourceStampSchema } from './changes.ts';
import { logSchema } from './logs.ts';
import { propertiesSchema } from './properties.ts';
import { id, result, time } from './scalars.ts';

const STEP_STATES = ['pending', 'waitingForLocks', 'running', 'finished'] as const;
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
