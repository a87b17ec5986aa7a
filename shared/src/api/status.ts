import { z } from 'zod';
import { builderSchema, buildSchema } from './builds.ts';
import { changeSchema } from './changes.ts';
import { lockSchema } from './locks.ts';
import { requestSchema } from './requests.ts';
import { time } from './scalars.ts';
import { schedulerSchema } from './schedulers.ts';
import { workerSchema } from './workers.ts';

/** Something that a person has to look at, for as long as it lasts. */
const alarmSchema = z.object({
  /**
   * For programs: `storageUnavailable`, `diskSpaceLow`, `clockJumped`, `masterMistake`,
   * `configurationChanged`, `lockWait LOCK`, `notCleanedUp BUILDER@WORKER`, `reporter REPORTER`.
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
