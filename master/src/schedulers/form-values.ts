import { isDeepStrictEqual } from 'node:util';
import type { FormField, Json } from '@icefall/shared';

/** A posted value as it is taken (undefined: there is none, the property stays unset), or what is wrong with it. */
export type Checked = { readonly value: Json | undefined } | { readonly error: string };

type SimpleField = Exclude<FormField, { type: 'group' } | { type: 'codebase' }>;
type FieldOf<T extends SimpleField['type']> = Extract<SimpleField, { type: T }>;

/** Longest text without a `maxLength`: more than anybody types, and less than hurts as a property. */
const LONGEST_TEXT = 100_000;
const EMAIL = /^[^<>\r\n]*[^<>\s] <[^<>@\s]+@[^<>@\s]+>$/;
/** What shells and SQL clients send where JSON is not at hand. */
const WORDS: Readonly<Record<string, boolean>> = { true: true, false: false };

/**
 * Checks a posted value. A blank or absent one is the default; but a blank one in a required field is refused, even if
 * it has a default: somebody removed it.
 */
export function checkValue(field: SimpleField, posted: Json | undefined): Checked {
  if (field.type === 'fixed') return checkFixed(field, posted);
  if (isBlank(posted)) {
    const fallback = defaultOf(field);
    if (field.required && (posted !== undefined || isBlank(fallback))) return { error: 'is required' };
    return { value: fallback };
  }
  switch (field.type) {
    case 'text':
      return checkText(field, posted);
    case 'multiline':
      return checkLength(posted, field.maxLength);
    case 'integer':
      return checkInteger(field, posted);
    case 'boolean':
      return checkBoolean(posted);
    case 'choice':
      return checkChoice(field, posted);
    case 'user':
      return checkUser(field, posted);
  }
}

function isBlank(value: Json | undefined): boolean {
  if (value === undefined || value === null) return true;
  return typeof value === 'string' ? value.trim() === '' : Array.isArray(value) && value.length === 0;
}

function defaultOf(field: Exclude<SimpleField, { type: 'fixed' }>): Json | undefined {
  if (field.type === 'integer') return field.default ?? undefined;
  if (field.type === 'choice') return field.multiple ? [field.default].flat() : [field.default].flat()[0];
  return field.default;
}

function checkFixed(field: FieldOf<'fixed'>, posted: Json | undefined): Checked {
  if (posted === undefined || isDeepStrictEqual(posted, field.value)) return { value: field.value };
  return { error: `is ${JSON.stringify(field.value)} and cannot be changed` };
}

function checkLength(posted: Json | undefined, maxLength: number | null): Checked {
  if (typeof posted !== 'string') return { error: 'must be text' };
  const most = maxLength ?? LONGEST_TEXT;
  if (posted.length > most) return { error: `must have at most ${most} characters, it has ${posted.length}` };
  return { value: posted };
}

function checkLine(posted: Json | undefined, maxLength: number | null): Checked {
  if (typeof posted === 'string' && /[\r\n]/.test(posted)) return { error: 'must be one line' };
  return checkLength(posted, maxLength);
}

function checkText(field: FieldOf<'text'>, posted: Json | undefined): Checked {
  const checked = checkLine(posted, field.maxLength);
  if ('error' in checked || field.pattern === null || typeof posted !== 'string') return checked;
  // A group around it: an alternative must match the whole value, too.
  return new RegExp(`^(?:${field.pattern})$`, 'u').test(posted)
    ? checked
    : { error: `${JSON.stringify(posted)} does not match the pattern ${field.pattern}` };
}

function checkInteger(field: FieldOf<'integer'>, posted: Json | undefined): Checked {
  const number = typeof posted === 'string' && /^\s*[+-]?\d+\s*$/.test(posted) ? Number(posted) : posted;
  if (typeof number !== 'number' || !Number.isSafeInteger(number)) return { error: 'must be a whole number' };
  if (field.min !== null && number < field.min) return { error: `must be at least ${field.min}, it is ${number}` };
  if (field.max !== null && number > field.max) return { error: `must be at most ${field.max}, it is ${number}` };
  return { value: number };
}

function checkBoolean(posted: Json | undefined): Checked {
  const value = typeof posted === 'string' && Object.hasOwn(WORDS, posted) ? WORDS[posted] : posted;
  return typeof value === 'boolean' ? { value } : { error: 'must be true or false' };
}

function checkChoice(field: FieldOf<'choice'>, posted: Json | undefined): Checked {
  const many: readonly Json[] = Array.isArray(posted) ? posted : [posted ?? ''];
  if (!field.multiple && many.length > 1) return { error: 'takes one choice only' };
  for (const one of many) {
    const checked = checkLine(one, null);
    if ('error' in checked) return checked;
    if (field.strict && !field.choices.some((choice) => choice === one))
      return { error: `${JSON.stringify(one)} is not one of ${field.choices.join(', ')}` };
  }
  return { value: field.multiple ? [...new Set(many)] : many[0] };
}

function checkUser(field: FieldOf<'user'>, posted: Json | undefined): Checked {
  const checked = checkLine(posted, null);
  if ('error' in checked || !field.needEmail) return checked;
  return EMAIL.test(String(posted)) ? checked : { error: 'must look like Name <user@host>' };
}
