import type { FormField, Json } from '@icefall/shared';
import { z } from 'zod';
import { declared } from './declared.ts';
import { jsonSchema, propertyNameSchema } from './names.ts';
import { callerPlace, nameOf, type Place, reportIssues, reportProblem, titleOf, usable } from './problems.ts';

/** A parameter of a force form, as the page shows it. The check of posted values is in schedulers/form-values.ts. */
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

const commonShape = {
  name: propertyNameSchema.refine((name) => !RESERVED.includes(name), `must not be one of ${RESERVED.join(', ')}`),
  label: z.string().optional(),
  tooltip: z.string().optional(),
  required: z.boolean().optional(),
};

/**
 * Reports what is wrong with the options by themselves, and makes the field of those that are right. `refuse` reports a
 * mistake that only shows when options are seen together.
 */
function declare<T extends Partial<CommonOptions>>(
  options: T,
  schema: z.ZodObject,
  make: (given: Partial<T>, base: ReturnType<typeof baseOf>, refuse: (mistake: string) => void) => FormField,
): FieldDeclaration {
  const place = callerPlace();
  const title = titleOf('parameter', options);
  const parsed = schema.safeParse(options);
  if (!parsed.success) reportIssues(place, title, options, parsed.error.issues);
  const given = usable(schema, options);
  const field = make(given, baseOf(nameOf(options), given), (mistake) => reportProblem(place, `${title}: ${mistake}`));
  return Object.freeze({ type: 'field', field: Object.freeze(field), place });
}

function baseOf(
  name: string,
  given: { [K in 'label' | 'tooltip']?: string | undefined } & { required?: boolean | undefined },
) {
  const { label, tooltip, required } = given;
  return { name, label: label ?? name, tooltip: tooltip ?? '', required: required ?? false };
}

const regex = z.string().refine(isRegex, 'must be a regular expression');
function isRegex(text: string): boolean {
  try {
    return new RegExp(text, 'u') !== null;
  } catch {
    return false;
  }
}
const length = z.number().int().positive().optional();
const text = z.string().optional();
const yesNo = z.boolean().optional();

const textSchema = z.strictObject({ ...commonShape, default: text, pattern: regex.optional(), maxLength: length });
/** One line of text. `pattern` must match the whole value. */
export function textField(
  options: CommonOptions & { default?: string; pattern?: string; maxLength?: number },
): FieldDeclaration {
  return declare(options, textSchema, (given, base, refuse) => {
    const { default: value = '', pattern, maxLength } = given;
    if (value !== '' && pattern !== undefined && !new RegExp(`^(?:${pattern})$`, 'u').test(value))
      refuse(`the default ${JSON.stringify(value)} does not match the pattern ${pattern}`);
    if (maxLength !== undefined && value.length > maxLength) refuse(`the default is longer than ${maxLength}`);
    return { ...base, type: 'text', default: value, pattern: pattern ?? null, maxLength: maxLength ?? null };
  });
}

const multilineSchema = z.strictObject({ ...commonShape, default: text, maxLength: length });
/** Several lines of text. */
export function multilineField(options: CommonOptions & { default?: string; maxLength?: number }): FieldDeclaration {
  return declare(options, multilineSchema, (given, base, refuse) => {
    const { default: value = '', maxLength } = given;
    if (maxLength !== undefined && value.length > maxLength) refuse(`the default is longer than ${maxLength}`);
    return { ...base, type: 'multiline', default: value, maxLength: maxLength ?? null };
  });
}

const integerSchema = z.strictObject({
  ...commonShape,
  default: z.number().int().optional(),
  min: z.number().optional(),
  max: z.number().optional(),
});
/** A whole number. */
export function integerField(
  options: CommonOptions & { default?: number; min?: number; max?: number },
): FieldDeclaration {
  return declare(options, integerSchema, (given, base, refuse) => {
    const { default: value, min, max } = given;
    if (min !== undefined && max !== undefined && min > max) refuse(`min ${min} is above max ${max}`);
    else if (value !== undefined && (value < (min ?? value) || value > (max ?? value)))
      refuse(`the default ${value} is not from ${min ?? 'any'} to ${max ?? 'any'}`);
    return { ...base, type: 'integer', default: value ?? null, min: min ?? null, max: max ?? null };
  });
}

const booleanSchema = z.strictObject({ ...commonShape, default: yesNo });
/** Yes or no. */
export function booleanField(options: CommonOptions & { default?: boolean }): FieldDeclaration {
  return declare(options, booleanSchema, (given, base) => ({
    ...base,
    type: 'boolean',
    default: given.default ?? false,
  }));
}

const choiceSchema = z.strictObject({
  ...commonShape,
  choices: z.array(z.string()).min(1, 'must have at least one choice'),
  default: z.union([z.string(), z.array(z.string())]).optional(),
  multiple: yesNo,
  strict: yesNo,
});
/** One of several, or several of them. Not `strict`: another text may be given. */
export function choiceField(
  options: CommonOptions & {
    choices: readonly string[];
    default?: string | readonly string[];
    multiple?: boolean;
    strict?: boolean;
  },
): FieldDeclaration {
  return declare(options, choiceSchema, (given, base, refuse) => {
    const { choices, multiple = false, strict = true } = given;
    const value = given.default ?? (multiple ? [] : (choices?.[0] ?? ''));
    const unknown = [value].flat().filter((one) => choices !== undefined && !choices.includes(one));
    if (strict && unknown.length > 0) refuse(`the default ${JSON.stringify(unknown)} is not among the choices`);
    if (!multiple && typeof value !== 'string') refuse('a list as default needs multiple: true');
    return {
      ...base,
      type: 'choice',
      choices: [...(choices ?? [])],
      default: typeof value === 'string' ? value : [...value],
      multiple,
      strict,
    };
  });
}

const fixedSchema = z.strictObject({ name: commonShape.name, value: jsonSchema });
/** A value that the form does not show and nobody can change. */
export function fixedField(options: { readonly name: string; readonly value: Json }): FieldDeclaration {
  return declare(options, fixedSchema, (given, base) => ({
    ...base,
    type: 'fixed',
    value: (given.value ?? null) as z.core.util.JSONType,
  }));
}

const userSchema = z.strictObject({ ...commonShape, default: text, needEmail: yesNo });
/** A person's name. `needEmail`: must look like `Name <user@host>`. */
export function userField(options: CommonOptions & { default?: string; needEmail?: boolean }): FieldDeclaration {
  return declare(options, userSchema, (given, base) => ({
    ...base,
    type: 'user',
    default: given.default ?? '',
    needEmail: given.needEmail ?? false,
  }));
}

const PARTS = ['repository', 'branch', 'revision', 'project'] as const;
type Part = (typeof PARTS)[number];

const codebaseSchema = z.strictObject({
  ...commonShape,
  codebase: text,
  repository: text,
  branch: text,
  revision: text,
  project: text,
  shown: z.array(z.enum(PARTS)).optional(),
});
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
  const name = options?.name ?? (options?.codebase ? `codebase_${options.codebase}` : 'codebase');
  return declare({ ...options, name }, codebaseSchema, (given, base) => ({
    ...base,
    type: 'codebase',
    codebase: given.codebase ?? '',
    default: {
      repository: given.repository ?? '',
      branch: given.branch ?? '',
      revision: given.revision ?? '',
      project: given.project ?? '',
    },
    shown: [...(given.shown ?? (['branch', 'revision'] as const))],
  }));
}

/** Schema of a list of fields. */
export const fieldsSchema = z.array(declared<FieldDeclaration>('field', 'must be a field such as textField(...)'));
const groupSchema = z.strictObject({
  name: commonShape.name.optional(),
  label: text,
  tooltip: text,
  layout: z.enum(['vertical', 'horizontal', 'tabs']).optional(),
  fields: fieldsSchema,
});
/** Fields set together. With a name their values are one property, an object; without, each is a property. */
export function groupField(options: {
  readonly name?: string;
  readonly label?: string;
  readonly tooltip?: string;
  readonly layout?: 'vertical' | 'horizontal' | 'tabs';
  readonly fields: readonly FieldDeclaration[];
}): FieldDeclaration {
  const { name, ...rest } = options ?? {};
  return declare(name === '' ? rest : options, groupSchema, (given, base, refuse) => {
    const fields = (given.fields ?? []).map(({ field }) => field);
    // Those of a group without a name belong to what is around it.
    if (base.name !== '') for (const name of repeated(namesOf(fields))) refuse(`two parameters are named "${name}"`);
    return { ...base, type: 'group', layout: given.layout ?? 'vertical', fields };
  });
}

/** What a form holds twice, in words: names of parameters, code bases. */
export function repeatedIn(fields: readonly FormField[]): string[] {
  return [
    ...repeated(namesOf(fields)).map((name) => `two parameters are named "${name}"`),
    ...repeated(codebasesOf(fields)).map((codebase) => `two parameters are of code base "${codebase}"`),
  ];
}

/** A group without a name only sets its fields together. */
function namesOf(fields: readonly FormField[]): string[] {
  return fields.flatMap((field) => {
    if (field.type === 'group' && field.name === '') return namesOf(field.fields);
    // A field without a name was reported by itself.
    return field.name === '' ? [] : [field.name];
  });
}

function codebasesOf(fields: readonly FormField[]): string[] {
  return fields.flatMap((field) => {
    if (field.type === 'group') return codebasesOf(field.fields);
    return field.type === 'codebase' ? [field.codebase] : [];
  });
}

function repeated(values: readonly string[]): string[] {
  return [...new Set(values.filter((value, i) => values.indexOf(value) !== i))];
}
