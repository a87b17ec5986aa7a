import { z } from 'zod';

/** A value, and who has set it: a step, the site, a worker, … */
const propertySchema = z.object({ value: z.json(), source: z.string() });
export const propertiesSchema = z.record(z.string(), propertySchema);
export type Properties = z.infer<typeof propertiesSchema>;
