import { z } from 'zod';

/** A repository that declares its own pipeline. */
export const projectSchema = z.object({
  name: z.string(),
  repository: z.string(),
  /** Whose file counts; null: the default branch, which is not known yet. */
  branch: z.string().nullable(),
  /** The file, in the repository. */
  file: z.string(),
  /** broken: its file has mistakes, or cannot be read; the builders are those of the last pipeline that was right. */
  state: z.enum(['unread', 'ok', 'broken']),
  /** The commit that brought the pipeline in force; null: there is none. */
  pipelineRevision: z.string().nullable(),
  /** The commit whose file was read last. */
  readRevision: z.string().nullable(),
  readAt: z.number().nullable(),
  builders: z.array(z.string()),
  /** What is wrong, each with repository, file, line, value and remedy. */
  errors: z.array(z.string()),
  trust: z.object({
    pullRequests: z.enum(['none', 'restricted', 'trusted']),
    forks: z.enum(['none', 'restricted']),
    /** On which restricted builds may run. */
    platforms: z.array(z.string()),
  }),
});
export type Project = z.infer<typeof projectSchema>;
