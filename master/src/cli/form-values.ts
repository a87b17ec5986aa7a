import type { FormField, Json } from '@icefall/shared';
import { namedValue } from './context.ts';

type Values = { [name: string]: Json };

/** What people write for yes and no. */
const WORDS: Readonly<Record<string, boolean>> = {
  true: true,
  yes: true,
  on: true,
  1: true,
  false: false,
  no: false,
  off: false,
  0: false,
};

/**
 * Makes a form's values of `name=value` pairs; `group.name=value` goes into a named group or a code base. A choice that
 * takes several is given several times. What cannot be typed is sent as text: the master says what is wrong with it, as
 * with everything else, all at once.
 */
export function formValues(fields: readonly FormField[], pairs: readonly string[]): Values {
  const values: Values = {};
  for (const pair of pairs) {
    const [path, text] = namedValue('--set', pair);
    setValue(values, path, fieldAt(fields, path), text);
  }
  return values;
}

type Found = FormField | 'part' | null;

function fieldAt(fields: readonly FormField[], path: string): Found {
  const flat = fields.flatMap(flatten);
  const field = flat.find(({ name }) => name === path);
  if (field !== undefined) return field;
  const dot = path.indexOf('.');
  const outer = dot === -1 ? undefined : flat.find(({ name }) => name === path.slice(0, dot));
  if (outer?.type === 'codebase') return 'part';
  return outer?.type === 'group' ? fieldAt(outer.fields, path.slice(dot + 1)) : null;
}

/** A group without a name only sets its fields together. */
function flatten(field: FormField): FormField[] {
  return field.type === 'group' && field.name === '' ? field.fields.flatMap(flatten) : [field];
}

function setValue(values: Values, path: string, field: Found, text: string): void {
  // A name of the form may itself hold a dot; without such a field, a dot leads into a group.
  const isWhole = field === null || (field !== 'part' && field.name === path);
  const dot = isWhole ? -1 : path.indexOf('.');
  if (dot !== -1) {
    const name = path.slice(0, dot);
    const inner = Object.hasOwn(values, name) ? values[name] : undefined;
    const group: Values = isObject(inner) ? { ...inner } : {};
    setValue(group, path.slice(dot + 1), field, text);
    setOwn(values, name, group);
    return;
  }
  const before = Object.hasOwn(values, path) ? values[path] : undefined;
  setOwn(values, path, typed(field, text, before));
}

function isObject(value: Json | undefined): value is { readonly [name: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** As JSON.parse does: `__proto__` is a name like any other. */
function setOwn(values: Values, name: string, value: Json): void {
  Object.defineProperty(values, name, { value, enumerable: true, writable: true, configurable: true });
}

function typed(field: Found, text: string, before: Json | undefined): Json {
  if (field === null || field === 'part') return text;
  if (field.type === 'integer') return /^[+-]?\d{1,15}$/.test(text) ? Number(text) : text;
  if (field.type === 'boolean') return WORDS[text.toLowerCase()] ?? text;
  if (field.type === 'choice' && field.multiple) return [...(Array.isArray(before) ? before : []), text];
  if (field.type === 'fixed') return typeof field.value === 'string' ? text : parsed(text);
  return text;
}

function parsed(text: string): Json {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
