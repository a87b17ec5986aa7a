import { z } from 'zod';

/** What the API answers where it does not do what was asked. */
export const errorSchema = z.object({
  error: z.object({
    code: z.string(),
    message: z.string(),
    /** By field path, where the request had fields. */
    fields: z.record(z.string(), z.string()).optional(),
  }),
});
export type ApiError = z.infer<typeof errorSchema>;
