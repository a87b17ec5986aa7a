import { z } from 'zod';
import { lockHolderSchema } from './blockers.ts';
import { id, time } from './scalars.ts';

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
  /** A lock of a tree: holders of disjoint paths do not stand in each other's way. */
  ofPaths: z.boolean().optional(),
  holders: z.array(lockHolderSchema),
  waiters: z.array(lockWaiterSchema),
  /** The waiter that has waited longest, once that is longer than the lock's `alarmAfter`, and since when it is. */
  alarm: z.object({ waiter: lockWaiterSchema, since: time }).nullable().optional(),
});
export type Lock = z.infer<typeof lockSchema>;

/** A use of a lock that is over. */
export const lockUseSchema = lockHolderSchema.extend({ lock: z.string(), until: time });
export type LockUse = z.infer<typeof lockUseSchema>;
