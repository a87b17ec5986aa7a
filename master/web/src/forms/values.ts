import type { ForceRequest, FormField } from '@icefall/shared';

type Body = ForceRequest['values'];
type BodyValue = Body[string];

/** What is filled in, by field path: `name`, `group.name`, `codebase.branch`. Integers are text until they are sent. */
export type FieldValue = string | boolean | readonly string[];
export type FormValues = Readonly<Record<string, FieldValue>>;

/** A field that is no group, with its path in the values. */
export interface Leaf {
  readonly path: string;
  readonly field: Exclude<FormField, { type: 'group' }>;
}

/** All fields with their paths; a group without a name only sets its fields together. */
export function leavesOf(fields: readonly FormField[], prefix = ''): Leaf[] {
  return fields.flatMap((field) =>
    field.type === 'group'
      ? leavesOf(field.fields, pathIn(prefix, field.name))
      : [{ path: pathIn(prefix, field.name), field }],
  );
}

/** Path of a field with `name` below `prefix`; an unnamed group adds nothing. */
export function pathIn(prefix: string, name: string): string {
  if (name === '') return prefix;
  return prefix === '' ? name : `${prefix}.${name}`;
}

/** What the form begins with: the defaults, and what was filled in the last time where it still fits. */
export function initialValues(fields: readonly FormField[], remembered: FormValues = {}): FormValues {
  const values: Record<string, FieldValue> = {};
  for (const leaf of leavesOf(fields))
    for (const [path, value] of defaultsOf(leaf)) {
      const last = Object.hasOwn(remembered, path) ? remembered[path] : undefined;
      values[path] = last !== undefined && sameKind(last, value) && stillOffered(leaf, last) ? last : value;
    }
  return values;
}

function defaultsOf({ path, field }: Leaf): [string, FieldValue][] {
  switch (field.type) {
    case 'fixed':
      return [];
    case 'codebase':
      return field.shown.map((part) => [`${path}.${part}`, field.default[part]]);
    case 'integer':
      return [[path, field.default === null ? '' : String(field.default)]];
    case 'choice':
      return [[path, field.multiple ? [field.default].flat() : ([field.default].flat()[0] ?? '')]];
    default:
      return [[path, field.default]];
  }
}

function sameKind(a: FieldValue, b: FieldValue): boolean {
  return typeof a === typeof b && Array.isArray(a) === Array.isArray(b);
}

function stillOffered({ field }: Leaf, value: FieldValue): boolean {
  if (field.type !== 'choice' || !field.strict) return true;
  return (Array.isArray(value) ? value : [value]).every((one) => field.choices.includes(one));
}

/** The values as the API takes them: groups are objects. */
export function toRequest(fields: readonly FormField[], values: FormValues): Body {
  const body: Body = {};
  for (const field of fields) addTo(body, field, '', values);
  return body;
}

function addTo(body: Body, field: FormField, prefix: string, values: FormValues): void {
  const path = pathIn(prefix, field.name);
  if (field.type === 'fixed') return;
  if (field.type === 'group') {
    const inner: Body = field.name === '' ? body : {};
    for (const child of field.fields) addTo(inner, child, path, values);
    if (field.name !== '') body[field.name] = inner;
  } else if (field.type === 'codebase') {
    body[field.name] = Object.fromEntries(field.shown.map((part) => [part, sent(values[`${path}.${part}`] ?? '')]));
  } else {
    const value = values[path] ?? '';
    body[field.name] = field.type === 'integer' && typeof value === 'string' ? integerOf(value) : sent(value);
  }
}

function sent(value: FieldValue): BodyValue {
  return typeof value === 'object' ? [...value] : value;
}

/** Null for blank; what is no number goes as it is, the master says what is wrong with it. */
function integerOf(text: string): BodyValue {
  const trimmed = text.trim();
  if (trimmed === '') return null;
  return /^[+-]?\d+$/.test(trimmed) ? Number(trimmed) : text;
}

/** What can be told to be wrong without the master, by field path. */
export function problemsOf(fields: readonly FormField[], values: FormValues): Record<string, string> {
  const problems: Record<string, string> = {};
  for (const { path, field } of leavesOf(fields)) {
    const problem = problemOf(field, values[path] ?? '');
    if (problem !== null) problems[path] = problem;
  }
  return problems;
}

function problemOf(field: Leaf['field'], value: FieldValue): string | null {
  if (field.type === 'fixed' || field.type === 'codebase' || typeof value === 'boolean') return null;
  if (typeof value !== 'string') return field.required && value.length === 0 ? 'is required' : null;
  if (value.trim() === '') return field.required ? 'is required' : null;
  if (field.type === 'integer') return integerProblem(field, value);
  if (
    (field.type === 'text' || field.type === 'multiline') &&
    field.maxLength !== null &&
    value.length > field.maxLength
  )
    return `must have at most ${field.maxLength} characters, it has ${value.length}`;
  if (field.type === 'text' && field.pattern !== null && !matches(field.pattern, value))
    return `does not match the pattern ${field.pattern}`;
  return null;
}

function integerProblem(field: Extract<FormField, { type: 'integer' }>, value: string): string | null {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) return 'must be a whole number';
  if (field.min !== null && number < field.min) return `must be at least ${field.min}`;
  return field.max !== null && number > field.max ? `must be at most ${field.max}` : null;
}

function matches(pattern: string, value: string): boolean {
  try {
    return new RegExp(`^(?:${pattern})$`, 'u').test(value);
  } catch {
    // The master's expressions and the browser's may differ; then the master judges.
    return true;
  }
}
