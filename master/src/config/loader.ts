import { existsSync, realpathSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { formatDuration } from '@icefall/shared';
import { beginGeneration, endGeneration, type Generation } from './generations.ts';
import { problemOfFailure } from './load-failure.ts';
import { LoadGuard } from './load-guard.ts';
import type { LoadReport } from './load-report.ts';
import { ConfigError, type Problem, takeProblems } from './problems.ts';
import type { SiteDeclaration } from './site.ts';

/** The file that is loaded when a folder is named. */
const SITE_FILE = 'site.ts';

/**
 * A site's program only declares; one that takes longer waits for something that does not come (a top-level await), and
 * would keep every later load waiting too.
 */
export const LOAD_LIMIT_MS = 60_000;

/** Time after that for a program that waits to be given up with all its other mistakes, before its process is. */
const GUARD_MS = 1000;

export interface LoadOptions {
  /** Milliseconds after which a load is given up; default a minute. */
  readonly limitMs?: number;
  /**
   * This process has nothing else to do: it may end where the program ends it or does not end itself, and tells that
   * there. What the program has left to fail beside it (a rejected promise) is its mistake, too.
   */
  readonly alone?: LoadReport;
}

let loading: Promise<unknown> = Promise.resolve();

/**
 * Loads a site's program: the file, or `site.ts` in a folder. Every load evaluates the file and everything it imports
 * from below its own folder anew, so a reload sees what changed. Loads are done one after the other.
 *
 * Throws {@link ConfigError} with all mistakes that were found; nothing of a failed load is kept.
 */
export function loadSite(path: string, options: LoadOptions = {}): Promise<SiteDeclaration> {
  const load = loading.then(() => loadNow(path, options));
  loading = load.catch(() => undefined);
  return load;
}

/** The file that {@link loadSite} loads. Throws {@link ConfigError} where there is none. */
export function siteFile(path: string): string {
  const named = resolve(path);
  const file = existsSync(named) && statSync(named).isDirectory() ? join(named, SITE_FILE) : named;
  if (existsSync(file)) return realpathSync(file);
  const message = `there is no ${file}; name the site's program, or make one with "icefall init DIR"`;
  throw new ConfigError([{ place: null, message }]);
}

async function loadNow(path: string, { limitMs = LOAD_LIMIT_MS, alone }: LoadOptions): Promise<SiteDeclaration> {
  const file = siteFile(path);
  takeProblems();
  // A program that waits is given up first: then all other mistakes can be told, too.
  using guard = alone === undefined ? null : new LoadGuard(alone, file, limitMs + GUARD_MS);
  const generation = beginGeneration(dirname(file));
  try {
    const { site, failure } = await evaluate(file, generation, limitMs);
    const strays = (await guard?.strays()) ?? [];
    const failures = [
      ...(failure === null ? [] : [failure]),
      ...strays.map((error) => problemOfFailure(error, generation)),
    ];
    const problems = unique([...takeProblems(), ...failures]);
    if (site === null || problems.length > 0) throw new ConfigError(problems);
    return site;
  } finally {
    takeProblems();
    endGeneration(generation);
  }
}

type Evaluated = { readonly site: SiteDeclaration; readonly failure: null } | { site: null; failure: Problem };

async function evaluate(file: string, generation: Generation, limitMs: number): Promise<Evaluated> {
  let module: { readonly default?: unknown };
  try {
    module = await withinLimit(import(`${pathToFileURL(file).href}?generation=${generation.number}`), limitMs);
  } catch (error) {
    const { place, message } = problemOfFailure(error, generation);
    return { site: null, failure: { place: place ?? { file, line: 1 }, message } };
  }
  if (isSite(module.default)) return { site: module.default, failure: null };
  const found = module.default === undefined ? 'it has no default export' : 'its default export is something else';
  return {
    site: null,
    failure: { place: { file, line: 1 }, message: `a site's program ends with "export default site({...})"; ${found}` },
  };
}

async function withinLimit<T>(load: Promise<T>, limitMs: number): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const message = `it was not loaded within ${formatDuration(limitMs)}; does it await something that never comes?`;
  const timer = setTimeout(() => reject(new Error(message)), limitMs);
  try {
    return await Promise.race([load, late]);
  } finally {
    clearTimeout(timer);
  }
}

function isSite(value: unknown): value is SiteDeclaration {
  return typeof value === 'object' && value !== null && Reflect.get(value, 'type') === 'site';
}

/** A declaration in a loop makes the same mistake at the same place again; once is enough. */
function unique(problems: readonly Problem[]): Problem[] {
  const keyOf = ({ place, message }: Problem) => `${place?.file}:${place?.line}: ${message}`;
  return [...new Map(problems.map((problem) => [keyOf(problem), problem])).values()];
}
