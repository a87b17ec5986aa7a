import { z } from 'zod';
import { forceFormSchema } from './forms.ts';
import { time } from './scalars.ts';

export const schedulerSchema = z.object({
  name: z.string(),
  kind: z.string(),
  builders: z.array(z.string()),
  enabled: z.boolean(),
  /** Next time the clock starts it, where it knows. */
  nextAt: time.nullable(),
  lastAt: time.nullable(),
  /** What in the site's program kept it from starting the last time, if anything did. */
  lastError: z.string().nullable().optional(),
  /** The form, for a force scheduler. */
  form: forceFormSchema.nullable(),
});
export type Scheduler = z.infer<typeof schedulerSchema>;
