import { z } from 'zod';

const fieldCommon = {
  name: z.string(),
  label: z.string(),
  tooltip: z.string(),
  required: z.boolean(),
};
export interface FieldGroup {
  type: 'group';
  name: string;
  label: string;
  tooltip: string;
  required: boolean;
  layout: 'vertical' | 'horizontal' | 'tabs';
  fields: FormField[];
}
export type FormField = z.infer<typeof simpleFieldSchema> | FieldGroup;

const simpleFieldSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('text'),
    ...fieldCommon,
    default: z.string(),
    pattern: z.string().nullable(),
    maxLength: z.number().int().nullable(),
  }),
  z.object({
    type: z.literal('multiline'),
    ...fieldCommon,
    default: z.string(),
    maxLength: z.number().int().nullable(),
  }),
  z.object({
    type: z.literal('integer'),
    ...fieldCommon,
    default: z.number().int().nullable(),
    min: z.number().nullable(),
    max: z.number().nullable(),
  }),
  z.object({ type: z.literal('boolean'), ...fieldCommon, default: z.boolean() }),
  z.object({
    type: z.literal('choice'),
    ...fieldCommon,
    default: z.union([z.string(), z.array(z.string())]),
    choices: z.array(z.string()),
    multiple: z.boolean(),
    strict: z.boolean(),
  }),
  z.object({ type: z.literal('fixed'), ...fieldCommon, value: z.json() }),
  z.object({ type: z.literal('user'), ...fieldCommon, default: z.string(), needEmail: z.boolean() }),
  z.object({
    type: z.literal('codebase'),
    ...fieldCommon,
    codebase: z.string(),
    default: z.object({ repository: z.string(), branch: z.string(), revision: z.string(), project: z.string() }),
    /** Parts that the form shows; the others keep their defaults. */
    shown: z.array(z.enum(['repository', 'branch', 'revision', 'project'])),
  }),
]);
export const formFieldSchema: z.ZodType<FormField> = z.union([
  simpleFieldSchema,
  z.object({
    type: z.literal('group'),
    ...fieldCommon,
    layout: z.enum(['vertical', 'horizontal', 'tabs']),
    fields: z.array(z.lazy(() => formFieldSchema)),
  }),
]);
export const forceFormSchema = z.object({
  label: z.string(),
  button: z.string(),
  fields: z.array(formFieldSchema),
});
export type ForceForm = z.infer<typeof forceFormSchema>;

/** Body of a force: `values` by field name; a named group's values are an object under its name. */
export const forceRequestSchema = z.object({
  builders: z.array(z.string()).optional(),
  reason: z.string().max(1000).optional(),
  owner: z.string().max(200).optional(),
  priority: z.number().int().min(-1_000_000).max(1_000_000).optional(),
  values: z.record(z.string(), z.json()).default({}),
});
export type ForceRequest = z.infer<typeof forceRequestSchema>;
