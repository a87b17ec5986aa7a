import { z } from 'zod';
import { valueAt } from './problems.ts';

/** Schema of what a function of the configuration has made, told by its `type`. */
export function declared<T = object>(type: string | readonly string[], hint: string) {
  return z.custom<T>((value) => [type].flat().includes(String(valueAt(value, ['type']))), hint);
}

/** Schema of a function of the site. */
export const functionSchema = z.custom<(...args: never[]) => unknown>(
  (value) => typeof value === 'function' && !isAsync(value),
  whyNot('must be a function'),
);

/** What is wrong with a value that may be a function. An async one is none: its promise would be taken for its answer. */
export function whyNot(message: string) {
  return { error: ({ input }: { readonly input?: unknown }) => (isAsync(input) ? NOT_ASYNC : message) };
}

const NOT_ASYNC = 'must not be async: it runs inside the master, which does not wait for it';

function isAsync(value: unknown): boolean {
  return Object.prototype.toString.call(value) === '[object AsyncFunction]';
}
