import type { FormField, Json, SourceStamp } from '@icefall/shared';
import { refusals, type Validation } from '../changes/validation.ts';
import type { CodebaseDefault } from '../config/schedulers.ts';
import { type Checked, checkValue } from './form-values.ts';

type CodebaseField = Extract<FormField, { type: 'codebase' }>;
type Part = CodebaseField['shown'][number];
const PARTS: readonly Part[] = ['repository', 'branch', 'revision', 'project'];
/** Longest part of a source stamp, as for changes that are sent. */
const LONGEST_PART = 2000;

/** A filled-in form. */
export interface Filled {
  /** By name; a named group is an object. */
  readonly properties: Readonly<Record<string, Json>>;
  /** Of its code bases. */
  readonly sourceStamps: readonly SourceStamp[];
  /** All that is wrong, by field path: `name`, `group.name`, `codebase.branch`. */
  readonly errors: Readonly<Record<string, string>>;
}

export interface FormContext {
  readonly validation: Validation;
  /** Of the scheduler: what stands for a part that neither the form nor its field's default names. */
  readonly codebases: Readonly<Record<string, CodebaseDefault>>;
}

/** Checks posted values against a form's fields. Finds all mistakes at once; a name that the form has not is one. */
export function fillForm(fields: readonly FormField[], values: Json, context: FormContext): Filled {
  const errors = new Map<string, string>();
  const sourceStamps: SourceStamp[] = [];
  const properties = fillFields(fields, values, '', { ...context, errors, sourceStamps });
  return { properties, sourceStamps, errors: Object.fromEntries(errors) };
}

interface Filling extends FormContext {
  /** A map: a name that was posted may be `__proto__`. */
  readonly errors: Map<string, string>;
  readonly sourceStamps: SourceStamp[];
}

function fillFields(fields: readonly FormField[], values: Json, path: string, filling: Filling): Record<string, Json> {
  const posted = asObject(values);
  if (posted === null) {
    filling.errors.set(path === '' ? 'values' : path.slice(0, -1), 'must be an object of values by name');
    return {};
  }
  const flat = fields.flatMap(flatten);
  for (const name of posted.keys())
    if (!flat.some((field) => field.name === name))
      filling.errors.set(`${path}${name}`, 'is not a parameter of this form');
  const filled = flat.flatMap((field): [string, Json][] => {
    const value = fillField(field, posted.get(field.name), `${path}${field.name}`, filling);
    return value === undefined ? [] : [[field.name, value]];
  });
  return Object.fromEntries(filled);
}

/** A group without a name only sets its fields together. */
function flatten(field: FormField): FormField[] {
  return field.type === 'group' && field.name === '' ? field.fields.flatMap(flatten) : [field];
}

function fillField(field: FormField, posted: Json | undefined, path: string, filling: Filling): Json | undefined {
  if (field.type === 'group') return fillFields(field.fields, posted ?? {}, `${path}.`, filling);
  if (field.type === 'codebase') {
    fillCodebase(field, posted ?? {}, path, filling);
    return undefined;
  }
  const checked: Checked = checkValue(field, posted);
  if (!('error' in checked)) return checked.value;
  filling.errors.set(path, checked.error);
  return undefined;
}

function fillCodebase(field: CodebaseField, values: Json, path: string, filling: Filling): void {
  const posted = asObject(values);
  if (posted === null) {
    filling.errors.set(path, 'must be an object with branch, revision, repository or project');
    return;
  }
  const parts: Record<Part, string> = { repository: '', branch: '', revision: '', project: '' };
  for (const part of PARTS) {
    const checked = checkPart(field, part, posted.get(part));
    if ('error' in checked) filling.errors.set(`${path}.${part}`, checked.error);
    else parts[part] = checked.value || field.default[part] || filling.codebases[field.codebase]?.[part] || '';
  }
  for (const name of posted.keys())
    if (!PARTS.some((part) => part === name)) filling.errors.set(`${path}.${name}`, 'is not a part of a code base');
  if (field.required && parts.branch === '' && parts.revision === '')
    filling.errors.set(path, 'needs a branch or a revision');
  const stamp = {
    codebase: field.codebase,
    repository: parts.repository,
    branch: parts.branch === '' ? null : parts.branch,
    revision: parts.revision === '' ? null : parts.revision,
    project: parts.project,
  };
  for (const [part, why] of Object.entries(refusals(stamp, filling.validation)))
    if (!filling.errors.has(`${path}.${part}`)) filling.errors.set(`${path}.${part}`, why);
  filling.sourceStamps.push(stamp);
}

function checkPart(field: CodebaseField, part: Part, posted: Json | undefined): { value: string } | { error: string } {
  if (posted === undefined || posted === null) return { value: '' };
  if (typeof posted !== 'string') return { error: 'must be text' };
  const text = posted.trim();
  if (text.length > LONGEST_PART) return { error: `must have at most ${LONGEST_PART} characters` };
  if (text === '' || text === field.default[part] || field.shown.includes(part)) return { value: text };
  return { error: 'cannot be changed' };
}

/** The members of a JSON object, by name; null for anything else. */
function asObject(value: Json): Map<string, Json> | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  return new Map(Object.entries(value));
}
