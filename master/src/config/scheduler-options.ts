import { z } from 'zod';
import { isReference } from '../properties/references.ts';
import { declared, functionSchema } from './declared.ts';
import { durationSchema, positiveDurationSchema } from './durations.ts';
import { fieldsSchema } from './fields.ts';
import { jsonSchema, nameSchema, propertyNameSchema, timeZoneSchema } from './names.ts';
import { nameOf, type Place, reportIssues, titleOf, usable } from './problems.ts';

const codebaseDefault = z.strictObject({
  repository: z.string(),
  branch: z.string().optional(),
  revision: z.string().optional(),
  project: z.string().optional(),
});
const property = z.custom(
  (value) => isReference(value) || jsonSchema.safeParse(value).success,
  'must be JSON or a reference such as prop(...); lists and objects hold no references here',
);
const commonShape = {
  name: nameSchema,
  builders: z.array(declared('builder', 'must be a builder(...)')).min(1, 'must name at least one builder'),
  properties: z.record(propertyNameSchema, property).default({}),
  priority: z.number().int().default(0),
  reason: z.string().optional(),
  codebases: z.record(z.string(), codebaseDefault).default({}),
};
const matcher = z.union(
  [z.string(), z.null(), z.array(z.string().nullable()), z.instanceof(RegExp)],
  'must be text, null, a list of these, or a regular expression',
);
const changesShape = {
  changes: z
    .strictObject({
      branch: matcher.optional(),
      notBranch: matcher.optional(),
      repository: matcher.optional(),
      project: matcher.optional(),
      codebase: matcher.optional(),
      category: matcher.optional(),
      where: functionSchema.optional(),
    })
    .default({}),
  treeStableTimer: durationSchema.optional(),
  isImportant: functionSchema.optional(),
  onlyImportant: z.boolean().default(false),
};
/** The clock starts it: there is nothing to be stable for. */
const { treeStableTimer: _, ...nightlyChangesShape } = changesShape;

/** Made once: zod compiles a schema at its first use, which takes longer than to check a thousand schedulers with it. */
export const SCHEDULER_SCHEMAS = {
  onChanges: z.strictObject({ ...commonShape, ...changesShape }),
  dependent: z.strictObject({ ...commonShape, upstream: declared('scheduler', 'must be a scheduler') }),
  periodic: z.strictObject({ ...commonShape, every: positiveDurationSchema }),
  nightly: z.strictObject({
    ...commonShape,
    ...nightlyChangesShape,
    cron: z.string().min(1),
    timeZone: timeZoneSchema.optional(),
    onlyIfChanged: z.boolean().default(false),
    missed: z.enum(['once', 'skip']).default('once'),
  }),
  triggerable: z.strictObject(commonShape),
  force: z.strictObject({
    ...commonShape,
    label: z.string().optional(),
    button: z.string().optional(),
    fields: fieldsSchema.default([]),
  }),
};

/** Reports what is wrong with the options, and gives those that are right by themselves. */
export function checkedOptions<T extends object>(
  kind: string,
  schema: z.ZodObject,
  options: T,
  place: Place | null,
): Partial<T> & { readonly name: string } {
  const parsed = schema.safeParse(options);
  if (!parsed.success) reportIssues(place, titleOf(`${kind} scheduler`, options), options, parsed.error.issues);
  return { ...usable(schema, options), name: nameOf(options) };
}
