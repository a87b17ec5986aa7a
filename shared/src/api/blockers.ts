import { z } from 'zod';

/** Who holds a lock, as people see it. */
export const lockHolderSchema = z.object({
  buildId: z.number().int(),
  builder: z.string(),
  buildNumber: z.number().int(),
  /** Null: the whole build holds it. */
  stepNumber: z.number().int().nullable(),
  stepName: z.string().nullable(),
  mode: z.enum(['counting', 'exclusive']),
  count: z.number().int(),
  since: z.number(),
});
export type LockHolder = z.infer<typeof lockHolderSchema>;

/** One build of a deadlock, and what it waits for: the next one has it. */
const deadlockedSchema = z.object({
  buildId: z.number().int(),
  builder: z.string(),
  number: z.number().int(),
  /** In words, such as `lock tree (exclusive)`. */
  waitsFor: z.string(),
});
export type Deadlocked = z.infer<typeof deadlockedSchema>;

const workerNames = z.array(z.string());
/** Beside the workers that are named first, others of the builder that would have to connect. */
const unusable = { offline: workerNames.optional() };

/** Why a request or step waits: recorded when it is tried, and what wakes it. */
export const blockerSchema = z.discriminatedUnion('kind', [
  /** None of the builder's workers is connected. */
  z.object({
    kind: z.literal('workersOffline'),
    workers: z.array(z.object({ name: z.string(), lastSeenAt: z.number().nullable() })),
  }),
  /** Every connected worker of the builder has all its slots taken, or is paused. */
  z.object({ kind: z.literal('workersBusy'), workers: workerNames, ...unusable, paused: workerNames.optional() }),
  /** Every connected worker of the builder is paused. */
  z.object({ kind: z.literal('workersPaused'), workers: workerNames, ...unusable }),
  /** `position` counts from 1: who is to be served before this one. */
  z.object({
    kind: z.literal('lock'),
    lock: z.string(),
    mode: z.enum(['counting', 'exclusive']),
    position: z.number().int(),
    holders: z.array(lockHolderSchema),
    /** Holders beside those that are named, where there are many. */
    others: z.number().int().optional(),
  }),
  /** A worker of a pool has yet to come. `trouble`: why it does not, in the words of the cluster or engine. */
  z.object({
    kind: z.literal('pool'),
    pool: z.string(),
    starting: z.number().int(),
    running: z.number().int(),
    maximum: z.number().int(),
    trouble: z.string().nullable(),
  }),
  /** The site's `mayStart` said no. */
  z.object({ kind: z.literal('mayStart'), reason: z.string() }),
  /** The site's `nextRequest` chose none or another. */
  z.object({ kind: z.literal('notChosen') }),
  /** A retry waits for its back-off. */
  z.object({ kind: z.literal('backOff'), until: z.number(), attempt: z.number().int() }),
  /** The worker is away; its grace runs until then. */
  z.object({ kind: z.literal('workerAway'), worker: z.string(), since: z.number(), until: z.number() }),
  /** A trigger step waits for its children. */
  z.object({
    kind: z.literal('children'),
    requestIds: z.array(z.number().int()),
    total: z.number().int(),
    finished: z.number().int(),
  }),
  /** A build that gave its slot back during a trigger waits to get one again. */
  z.object({ kind: z.literal('slot'), worker: z.string() }),
  /** Many requests of its builder come first; those say what the builder waits for. */
  z.object({ kind: z.literal('behind'), builder: z.string() }),
  /** No new builds are started: the master is to stop once those that run have ended. */
  z.object({ kind: z.literal('draining'), since: z.number() }),
  /**
   * Builds wait for each other, each for the next and the last for the first: only the end of one of them helps. `ends`
   * is the build that is ended for it; null where the site only wants it reported.
   */
  z.object({
    kind: z.literal('deadlock'),
    cycle: z.array(deadlockedSchema),
    ends: z.number().int().nullable(),
  }),
  /** A newer request of its builder has taken it in, and it ends with that one. */
  z.object({ kind: z.literal('takenIn'), requestId: z.number().int() }),
  /** The builder is no longer in the configuration. */
  z.object({ kind: z.literal('builderGone'), builder: z.string() }),
]);
export type Blocker = z.infer<typeof blockerSchema>;
export type Deadlock = Extract<Blocker, { kind: 'deadlock' }>;
