import { z } from 'zod';
import { valueAt } from './problems.ts';

/** Schema of what a function of the configuration has made, told by its `type`. */
export function declared<T = object>(type: string | readonly string[], hint: string) {
  return z.custom<T>((value) => [type].flat().includes(String(valueAt(value, ['type']))), hint);
}

/** Schema of a function of the site. */
export const functionSchema = z.custom<(...args: never[]) => unknown>(
  (value) => typeof value === 'function',
  'must be a function',
);
