import { z } from 'zod';
import { blockerSchema, lockHolderSchema } from './blockers.ts';
import { sourceStampSchema } from './changes.ts';

/** A lock that a build would have to wait for, as things are now. */
const awaitedLockSchema = z.object({
  /** Its key: `name`, `name@worker` or `name/path`. */
  lock: z.string(),
  mode: z.enum(['counting', 'exclusive']),
  /** The step that wants it; null: the whole build. */
  step: z.string().nullable(),
  holders: z.array(lockHolderSchema),
  /** How many wait for it already. */
  waiting: z.number().int(),
});
export type AwaitedLock = z.infer<typeof awaitedLockSchema>;

/** What would become of a request for one builder, if it were made now. */
const requestOutlookSchema = z.object({
  builder: z.string(),
  /** What, apart from locks and its turn, would keep it from starting; null: nothing. */
  blocker: blockerSchema.nullable(),
  /** Waiting requests of the builder that go before it. */
  ahead: z.number().int(),
  /** Ids of waiting requests that would be collapsed into it. */
  takesIn: z.array(z.number().int()),
  /** The builder's own first, then those of its steps in their order. */
  locks: z.array(awaitedLockSchema),
});
export type RequestOutlook = z.infer<typeof requestOutlookSchema>;

/** What a filled-in form would start. */
export const forcePreviewSchema = z.object({
  /** Null where the form has mistakes. */
  sourceStamps: z.array(sourceStampSchema).nullable(),
  /** What is wrong with single fields, by their path. */
  fields: z.record(z.string(), z.string()),
  requests: z.array(requestOutlookSchema),
});
export type ForcePreview = z.infer<typeof forcePreviewSchema>;
