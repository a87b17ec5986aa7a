import type { FormField, Json } from '@icefall/shared';
import { z } from 'zod';
import { propertyNameSchema } from './names.ts';
import { callerPlace, type Place, reportIssues, reportProblem } from './problems.ts';

/** A parameter of a force form, as the page shows it. The check of posted values is in schedulers/form.ts. */
export interface FieldDeclaration {
  readonly type: 'field';
  readonly field: FormField;
  readonly place: Place | null;
}

interface CommonOptions {
  readonly name: string;
  readonly label?: string;
  readonly tooltip?: string;
  readonly required?: boolean;
}

/** Names that the form itself uses. */
const RESERVED = ['reason', 'owner', 'builders', 'priority'];

const common = z.object({
  name: propertyNameSchema.refine((name) => !RESERVED.includes(name), `must not be one of ${RESERVED.join(', ')}`),
  label: z.string().optional(),
  tooltip: z.string().optional(),
  required: z.boolean().optional(),
});

function declare(
  options: CommonOptions,
  schema: z.ZodType,
  make: (base: ReturnType<typeof baseOf>) => FormField,
): FieldDeclaration {
  const place = callerPlace();
  const parsed = schema.safeParse(options);
  if (!parsed.success) reportIssues(place, `parameter "${options.name}"`, options, parsed.error.issues);
  return Object.freeze({ type: 'field', field: Object.freeze(make(baseOf(options))), place });
}

function baseOf(options: CommonOptions) {
  return {
    name: options.name,
    label: options.label ?? options.name,
    tooltip: options.tooltip ?? '',
    required: options.required ?? false,
  };
}

const regex = z.string().refine(isRegex, 'must be a regular expression');
function isRegex(text: string): boolean {
  try {
    return new RegExp(text, 'u') !== null;
  } catch {
    return false;
  }
}

/** One line of text. `pattern` must match the whole value. */
export function textField(
  options: CommonOptions & { default?: string; pattern?: string; maxLength?: number },
): FieldDeclaration {
  const schema = common
    .extend({
      default: z.string().optional(),
      pattern: regex.optional(),
      maxLength: z.number().int().positive().optional(),
    })
    .strict();
  return declare(options, schema, (base) => ({
    ...base,
    type: 'text',
    default: options.default ?? '',
    pattern: options.pattern ?? null,
    maxLength: options.maxLength ?? null,
  }));
}

/** Several lines of text. */
export function multilineField(options: CommonOptions & { default?: string; maxLength?: number }): FieldDeclaration {
  const schema = common
    .extend({ default: z.string().optional(), maxLength: z.number().int().positive().optional() })
    .strict();
  return declare(options, schema, (base) => ({
    ...base,
    type: 'multiline',
    default: options.default ?? '',
    maxLength: options.maxLength ?? null,
  }));
}

/** A whole number. */
export function integerField(
  options: CommonOptions & { default?: number; min?: number; max?: number },
): FieldDeclaration {
  const schema = common
    .extend({ default: z.number().int().optional(), min: z.number().optional(), max: z.number().optional() })
    .strict();
  return declare(options, schema, (base) => ({
    ...base,
    type: 'integer',
    default: options.default ?? null,
    min: options.min ?? null,
    max: options.max ?? null,
  }));
}

/** Yes or no. */
export function booleanField(options: CommonOptions & { default?: boolean }): FieldDeclaration {
  const schema = common.extend({ default: z.boolean().optional() }).strict();
  return declare(options, schema, (base) => ({ ...base, type: 'boolean', default: options.default ?? false }));
}

/** One of several, or several of them. Not `strict`: another text may be given. */
export function choiceField(
  options: CommonOptions & {
    choices: readonly string[];
    default?: string | readonly string[];
    multiple?: boolean;
    strict?: boolean;
  },
): FieldDeclaration {
  const schema = common
    .extend({
      choices: z.array(z.string()).min(1),
      default: z.union([z.string(), z.array(z.string())]).optional(),
      multiple: z.boolean().optional(),
      strict: z.boolean().optional(),
    })
    .strict();
  const multiple = options.multiple ?? false;
  const fallback = options.default ?? (multiple ? [] : (options.choices?.[0] ?? ''));
  const unknown = [fallback].flat().filter((value) => !options.choices?.includes(value));
  if ((options.strict ?? true) && unknown.length > 0)
    reportProblem(
      callerPlace(),
      `parameter "${options.name}": the default ${JSON.stringify(unknown)} is not among the choices`,
    );
  return declare(options, schema, (base) => ({
    ...base,
    type: 'choice',
    choices: [...(options.choices ?? [])],
    default: typeof fallback === 'string' ? fallback : [...fallback],
    multiple,
    strict: options.strict ?? true,
  }));
}

/** A value that the form does not show and nobody can change. */
export function fixedField(options: { readonly name: string; readonly value: Json }): FieldDeclaration {
  return declare(options, common.extend({ value: z.json() }).strict(), (base) => ({
    ...base,
    type: 'fixed',
    value: options.value as z.core.util.JSONType,
  }));
}

/** A person's name. `needEmail`: must look like `Name <user@host>`. */
export function userField(options: CommonOptions & { default?: string; needEmail?: boolean }): FieldDeclaration {
  const schema = common.extend({ default: z.string().optional(), needEmail: z.boolean().optional() }).strict();
  return declare(options, schema, (base) => ({
    ...base,
    type: 'user',
    default: options.default ?? '',
    needEmail: options.needEmail ?? false,
  }));
}

type Part = 'repository' | 'branch' | 'revision' | 'project';

/** The source stamp of one code base. Parts that are not `shown` keep their defaults. */
export function codebaseField(
  options: Omit<CommonOptions, 'name'> & {
    readonly codebase?: string;
    readonly name?: string;
    readonly repository?: string;
    readonly branch?: string;
    readonly revision?: string;
    readonly project?: string;
    readonly shown?: readonly Part[];
  },
): FieldDeclaration {
  const part = z.string().optional();
  const parts = z.enum(['repository', 'branch', 'revision', 'project']);
  const schema = common
    .extend({
      codebase: part,
      repository: part,
      branch: part,
      revision: part,
      project: part,
      shown: z.array(parts).optional(),
    })
    .strict();
  const name = options.name ?? (options.codebase ? `codebase_${options.codebase}` : 'codebase');
  return declare({ ...options, name }, schema, (base) => ({
    ...base,
    type: 'codebase',
    codebase: options.codebase ?? '',
    default: {
      repository: options.repository ?? '',
      branch: options.branch ?? '',
      revision: options.revision ?? '',
      project: options.project ?? '',
    },
    shown: [...(options.shown ?? (['branch', 'revision'] as const))],
  }));
}

/** Fields set together. With a name their values are one property, an object; without, each is a property. */
export function groupField(options: {
  readonly name?: string;
  readonly label?: string;
  readonly tooltip?: string;
  readonly layout?: 'vertical' | 'horizontal' | 'tabs';
  readonly fields: readonly FieldDeclaration[];
}): FieldDeclaration {
  const place = callerPlace();
  const name = options.name ?? '';
  if (name !== '') {
    const parsed = common.shape.name.safeParse(name);
    if (!parsed.success) reportIssues(place, `parameter group "${name}"`, undefined, parsed.error.issues);
  }
  const fields = (options.fields ?? []).map((declaration) => declaration.field);
  const base = { name, label: options.label ?? name, tooltip: options.tooltip ?? '', required: false };
  const field: FormField = { ...base, type: 'group', layout: options.layout ?? 'vertical', fields };
  return Object.freeze({ type: 'field', field, place });
}
