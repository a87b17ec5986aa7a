import { z } from 'zod';
import { id, time } from './scalars.ts';

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

/** A worker's connection; `until` is null while it lasts. */
export const workerConnectionSchema = z.object({ worker: z.string(), since: time, until: time.nullable() });
export type WorkerConnection = z.infer<typeof workerConnectionSchema>;
