import type { Json } from '@icefall/shared';
import { z } from 'zod';

/**
 * Names of builders, workers, locks and schedulers: they appear in URLs, directories and log lines, so they hold no
 * separator, no white space and nothing a shell would touch.
 */
export const nameSchema = z
  .string()
  .regex(
    /^[A-Za-z0-9_][A-Za-z0-9_.+-]{0,99}$/,
    'must be 1 to 100 letters, digits, or _ . + - and not begin with . + -',
  );
/** Names of properties. */
export const propertyNameSchema = z
  .string()
  .regex(/^[A-Za-z_][\w.-]{0,99}$/, 'must begin with a letter or _ and hold only letters, digits, _ . -');
const json = z.json();
/** A value of a property. */
export const jsonSchema = z.custom<Json>((value) => json.safeParse(value).success, {
  message: 'must be JSON: text, a number, true, false, null, or lists and objects of these',
  // Rules between other options are judged all the same: a value may be a reference, which no JSON is.
  abort: false,
});
export const propertyValuesSchema = z.record(propertyNameSchema, jsonSchema);

/** An IANA time zone. */
export const timeZoneSchema = z.string().refine(isTimeZone, 'must be an IANA time zone such as Europe/Zurich');

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }) !== null;
  } catch {
    return false;
  }
}

/** A path below the root of a tree, such as `data/gcd`; empty for the root. Deep enough for any tree that people make. */
export const treePathSchema = z
  .string()
  .max(1000)
  .refine((path) => path === '' || path.split('/').every(isPathWord), {
    message: 'must be a path below the root, such as some/path: not absolute, without empty parts, . and ..',
  });

function isPathWord(word: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is refused.
  return word !== '' && word !== '.' && word !== '..' && !/[\u0000-\u001f\u007f]/.test(word);
}
