import { z } from 'zod';
import { id, time } from './scalars.ts';

/** Who tells others of builds, and how that goes. */
export const reporterSchema = z.object({
  name: z.string(),
  kind: z.enum(['mail', 'commitStatus', 'webhook']),
  /** Number of the newest event that it has read. */
  cursor: z.number().int(),
  /** Reports that are to be delivered, in order. */
  waiting: z.number().int(),
  /** Since when the first of them waits. */
  waitingSince: time.nullable(),
  /** How often the first of them was tried. */
  tries: z.number().int(),
  /** When it is tried again; null: now, or nothing waits. */
  nextTryAt: time.nullable(),
  /** What went wrong last. */
  lastError: z.string().nullable(),
  lastErrorAt: time.nullable(),
  lastDeliveredAt: time.nullable(),
  /** Since it is in the configuration. */
  delivered: z.number().int(),
  givenUp: z.number().int(),
});
export type Reporter = z.infer<typeof reporterSchema>;

/** One thing that a reporter tells: that a build has begun, or how it ended. */
export const reportSchema = z.object({
  id,
  reporter: z.string(),
  buildId: id,
  moment: z.enum(['start', 'end']),
  at: time,
  state: z.enum(['waiting', 'delivered', 'givenUp']),
  tries: z.number().int(),
  nextTryAt: time.nullable(),
  doneAt: time.nullable(),
  /** What went wrong last, why it was given up, or whom a delivered one has not reached. */
  note: z.string().nullable(),
});
export type ReportEntry = z.infer<typeof reportSchema>;
