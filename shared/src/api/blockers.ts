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

const workerNames = z.array(z.string());

/** Why a request or step waits: recorded when it is tried, and what wakes it. */
export const blockerSchema = z.discriminatedUnion('kind', [
  /** None of the builder's workers is connected. */
  z.object({
    kind: z.literal('workersOffline'),
    workers: z.array(z.object({ name: z.string(), lastSeenAt: z.number().nullable() })),
  }),
  /** Every connected worker of the builder has all its slots taken. */
  z.object({ kind: z.literal('workersBusy'), workers: workerNames }),
  z.object({ kind: z.literal('workersPaused'), workers: workerNames }),
  /** `position` counts from 1: who is to be served before this one. */
  z.object({
    kind: z.literal('lock'),
    lock: z.string(),
    mode: z.enum(['counting', 'exclusive']),
    position: z.number().int(),
    holders: z.array(lockHolderSchema),
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
  /** The builder is no longer in the configuration. */
  z.object({ kind: z.literal('builderGone'), builder: z.string() }),
]);
export type Blocker = z.infer<typeof blockerSchema>;

/** One sentence for people: what it waits for, and what will free it. */
export function describeBlocker(blocker: Blocker): string {
  switch (blocker.kind) {
    case 'workersOffline':
      return `waits for a worker: ${blocker.workers.map((w) => w.name).join(', ')} not connected`;
    case 'workersBusy':
      return `waits for a free slot on ${blocker.workers.join(', ')}`;
    case 'workersPaused':
      return `waits for a worker: ${blocker.workers.join(', ')} paused`;
    case 'lock': {
      const who = blocker.holders
        .map((h) => `${h.builder} #${h.buildNumber}${h.stepName === null ? '' : ` (${h.stepName})`}`)
        .join(', ');
      const place = blocker.position > 1 ? `, ${blocker.position - 1} ahead` : '';
      return `waits for lock ${blocker.lock} (${blocker.mode})${who === '' ? '' : `, held by ${who}`}${place}`;
    }
    case 'mayStart':
      return `held back by the site: ${blocker.reason}`;
    case 'notChosen':
      return "held back by the builder's nextRequest";
    case 'backOff':
      return `attempt ${blocker.attempt} starts after its back-off`;
    case 'workerAway':
      return `worker ${blocker.worker} is away; given up when its grace ends`;
    case 'children':
      return `waits for triggered builds, ${blocker.finished} of ${blocker.total} finished`;
    case 'slot':
      return `waits to get its slot on ${blocker.worker} back (first in line)`;
    case 'builderGone':
      return `builder ${blocker.builder} is not in the configuration any more`;
  }
}
