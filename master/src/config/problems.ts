import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { isReference } from '../properties/references.ts';

/** Where in the site's program something was declared. */
export interface Place {
  readonly file: string;
  readonly line: number;
}

/** One mistake in a configuration. */
export interface Problem {
  readonly place: Place | null;
  readonly message: string;
}

/** All mistakes of a configuration at once. */
export class ConfigError extends Error {
  readonly code = 'bad_config';
  readonly problems: readonly Problem[];
  constructor(problems: readonly Problem[]) {
    super(`the configuration has ${problems.length} mistake(s):\n${problems.map(formatProblem).join('\n')}`);
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/** `file:line: message`. */
export function formatProblem(problem: Problem): string {
  return problem.place === null ? problem.message : `${problem.place.file}:${problem.place.line}: ${problem.message}`;
}

/**
 * Declarations report mistakes here instead of throwing, so that one load tells them all. A load is synchronous with
 * respect to other loads (the loader sees to it), so one list is enough.
 */
let problems: Problem[] = [];

/** Notes a mistake of the site's program. */
export function reportProblem(place: Place | null, message: string): void {
  problems.push({ place, message });
}

/** The mistakes since the last call, in the order in which they were found. */
export function takeProblems(): Problem[] {
  const taken = problems;
  problems = [];
  return taken;
}

/**
 * The mistakes of declarations that are made outside a load (steps that a running build adds), apart from those of a
 * load that may be under way.
 */
export function collectProblems<T>(declare: () => T): { readonly value: T; readonly problems: readonly Problem[] } {
  const others = problems;
  problems = [];
  try {
    const value = declare();
    return { value, problems };
  } finally {
    problems = others;
  }
}

const OWN_SOURCE = new URL('../', import.meta.url).href;

/** Where declarations are said to be made, while they are made of something else than a program. */
let elsewhere: Place | null = null;

/** Makes declarations of what stands in a file that is no program of the site: that is their place. */
export function declaredAt<T>(place: Place, declare: () => T): T {
  const before = elsewhere;
  elsewhere = place;
  try {
    return declare();
  } finally {
    elsewhere = before;
  }
}

/** The place in the site's program from which the configuration API was called. */
export function callerPlace(): Place | null {
  if (elsewhere !== null) return elsewhere;
  for (const frame of callers()) {
    const name = frame.getFileName() ?? '';
    if (!name.startsWith('file://') && !name.startsWith('/')) continue;
    const url = name.startsWith('/') ? `file://${name}` : name;
    const isOwn = url.startsWith(OWN_SOURCE) && !/\.test\.ts(\?|$)/.test(url);
    if (!isOwn) return { file: fileURLToPath(url.replace(/\?.*$/, '')), line: frame.getLineNumber() ?? 0 };
  }
  return null;
}

/** The stack as V8 has it (see its stack trace API): to write it down, for every declaration, would take longer. */
function callers(): readonly NodeJS.CallSite[] {
  const { stackTraceLimit, prepareStackTrace } = Error;
  Error.stackTraceLimit = 50;
  Error.prepareStackTrace = (_error, frames) => frames;
  const holder: { stack?: readonly NodeJS.CallSite[] } = {};
  Error.captureStackTrace(holder, callerPlace);
  const { stack } = holder;
  Error.stackTraceLimit = stackTraceLimit;
  Error.prepareStackTrace = prepareStackTrace;
  return stack ?? [];
}

/** Reports every issue of a failed zod parse, naming the declaration, the option and the value. */
export function reportIssues(
  place: Place | null,
  what: string,
  value: unknown,
  issues: readonly z.core.$ZodIssue[],
): void {
  for (const issue of issues) reportProblem(place, `${what}: ${describeIssue(issue, value)}`);
}

/** One zod issue in words: option path, what is wrong, the value found. */
export function describeIssue(issue: z.core.$ZodIssue, value: unknown): string {
  const { path, message } = explain(issue);
  const found = valueAt(value, path);
  // The whole of the options says nothing; an unknown one is named in the message.
  const isWhole = path.length === 0 && typeof found === 'object';
  const shown = found === undefined || isWhole ? '' : ` (found ${preview(found)})`;
  return `${path.length === 0 ? '' : `option "${path.map(String).join('.')}": `}${message}${shown}`;
}

type Explained = Pick<z.core.$ZodIssue, 'path' | 'message'>;

/** Of a bad key, what is wrong with it; of alternatives that all failed, the one that came furthest, or all of them. */
function explain(issue: z.core.$ZodIssue): Explained {
  if (issue.code === 'invalid_key') return { path: issue.path, message: issue.issues[0]?.message ?? issue.message };
  if (issue.code === 'unrecognized_keys') return { path: issue.path, message: unknownOptions(issue.keys) };
  if (issue.code === 'invalid_type' && /received undefined$/.test(issue.message))
    return { path: issue.path, message: `is missing: expected ${issue.expected}` };
  if (issue.code !== 'invalid_union' || issue.message !== ANY_UNION) return issue;
  const causes = issue.errors.flatMap((issues) => issues.slice(0, 1).map(explain));
  const deepest = Math.max(0, ...causes.map(({ path }) => path.length));
  const cause = causes.find(({ path }) => path.length === deepest);
  if (cause !== undefined && deepest > 0) return { path: [...issue.path, ...cause.path], message: cause.message };
  const messages = new Set(causes.map(({ message }) => message.replace(/, received .*$/, '')));
  return { path: issue.path, message: messages.size === 0 ? issue.message : [...messages].join('; or ') };
}

function unknownOptions(names: readonly string[]): string {
  return `unknown option${names.length === 1 ? '' : 's'} ${names.map((name) => `"${name}"`).join(', ')}`;
}

/** What zod says of a union that was given no message of its own. */
const ANY_UNION = 'Invalid input';

/** How a declaration is called in a report: `builder "linux"`, or `builder` where it has no name. */
export function titleOf(kind: string, options: unknown): string {
  const name = nameOf(options);
  return name === '' ? kind : `${kind} "${name}"`;
}

/** The name in a declaration's options, also a bad one; empty where there is none. */
export function nameOf(options: unknown): string {
  const name = valueAt(options, ['name']);
  return typeof name === 'string' ? name : '';
}

/**
 * The options that are right by themselves, as they were given. So a declaration with a mistake still takes part in the
 * checks of the whole site, and all mistakes are found at once.
 */
export function usable<T extends object>(schema: z.ZodObject, options: T): Partial<T> {
  const right = Object.entries(schema.shape).flatMap(([key, option]) => {
    const value = valueAt(options, [key]);
    return value !== undefined && z.safeParse(option, value).success ? [[key, value]] : [];
  });
  return Object.fromEntries(right);
}

/** The value at a path of keys, or undefined. */
export function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let at: unknown = value;
  for (const key of path) {
    if (typeof at !== 'object' || at === null) return undefined;
    at = Reflect.get(at, key);
  }
  return at;
}

function preview(value: unknown): string {
  if (typeof value === 'function') return 'a function';
  const text = jsonOf(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

/** Null for what has no JSON: circular objects, big integers, symbols. */
function jsonOf(value: unknown): string | null {
  try {
    return JSON.stringify(value, (_key, part) => declaredName(part) ?? part) ?? null;
  } catch {
    return null;
  }
}

/** `builder linux` for a declaration, `prop("x")` for a reference: nobody wants to read what they are made of. */
function declaredName(value: unknown): string | null {
  if (isReference(value)) return value.text;
  if (typeof value !== 'object' || value === null || !('type' in value && 'place' in value)) return null;
  return `${value.type} ${nameOf(value)}`.trim();
}
