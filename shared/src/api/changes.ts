import { z } from 'zod';
import { propertiesSchema } from './properties.ts';
import { id, time } from './scalars.ts';

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

const commitSchema = z.object({
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
