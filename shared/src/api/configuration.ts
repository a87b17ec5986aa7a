import { z } from 'zod';

/**
 * A configuration as data: what two of them are compared by, and what is kept of those that were in force. Values that
 * have no JSON are objects with one key that begins with `$`: `$reference` (with `of`, what it was made of),
 * `$function` (its source text), `$pattern`, `$hidden`. Other declarations are named.
 */
const options = z.record(z.string(), z.json());

/** A worker, lock, scheduler or source of change. */
const declaredThingSchema = z.object({ name: z.string(), kind: z.string(), options });
export type DeclaredThing = z.infer<typeof declaredThingSchema>;

const declaredStepSchema = z.object({ name: z.string(), kind: z.string(), options });
export type DeclaredStep = z.infer<typeof declaredStepSchema>;

const declaredBuilderSchema = declaredThingSchema.extend({ steps: z.array(declaredStepSchema) });
export type DeclaredBuilder = z.infer<typeof declaredBuilderSchema>;

const siteDescriptionSchema = z.object({
  /** What is said of the site as a whole. */
  options,
  builders: z.array(declaredBuilderSchema),
  schedulers: z.array(declaredThingSchema),
  workers: z.array(declaredThingSchema),
  locks: z.array(declaredThingSchema),
  changeSources: z.array(declaredThingSchema),
});
export type SiteDescription = z.infer<typeof siteDescriptionSchema>;

/** A configuration that is or was in force. */
export const configurationSchema = z.object({
  version: z.number().int(),
  /** When it was put in force, milliseconds. */
  appliedAt: z.number(),
  site: siteDescriptionSchema,
});
export type Configuration = z.infer<typeof configurationSchema>;
