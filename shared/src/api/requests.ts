import { z } from 'zod';
import { blockerSchema } from './blockers.ts';
import { sourceStampSchema } from './changes.ts';
import { propertiesSchema } from './properties.ts';
import { id, result, time } from './scalars.ts';

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
