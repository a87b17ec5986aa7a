import { registerHooks } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';

/**
 * One load of a site's program. Node keeps a module for ever under its URL, so every load gives its files URLs of its
 * own: `?generation=N` is handed on from the file that imports to the file that is imported, for files below the site's
 * folder. What lies elsewhere (packages, the configuration API) is the same module in every generation.
 */
export interface Generation {
  readonly number: number;
  /** URL of the site's folder, with a slash at its end. */
  readonly folder: string;
  /** The file that was read last: where a syntax error is, since a file is compiled as soon as it is read. */
  lastRead: string | null;
  /** What could not be found, and the file that imports it. */
  unresolved: { readonly specifier: string; readonly importer: string } | null;
}

const GENERATION = /[?&]generation=(\d+)/;
/** Packages of ours: a site anywhere on the disk gets those of the program that loads it. */
const OURS = '@icefall/';

/** Folder by number, for imports that a site's function does long after its load. */
const folders = new Map<number, string>();
let current: Generation | null = null;
let last = 0;

/** Begins a load. One at a time. */
export function beginGeneration(folder: string): Generation {
  if (last === 0) registerHooks({ resolve: resolveInGeneration, load: noteRead });
  last += 1;
  current = { number: last, folder: `${pathToFileURL(folder).href}/`, lastRead: null, unresolved: null };
  folders.set(current.number, current.folder);
  return current;
}

export function endGeneration(generation: Generation): void {
  if (current === generation) current = null;
}

/** The text without what this file adds to names of files. */
export function withoutGeneration(text: string): string {
  return text.replace(/[?&]generation=\d+/g, '');
}

type Hooks = Parameters<typeof registerHooks>[0];

const resolveInGeneration: NonNullable<Hooks['resolve']> = (specifier, context, next) => {
  const number = generationOf(context.parentURL);
  if (number === null) return next(specifier, context);
  if (specifier.startsWith(OURS)) return next(specifier, { ...context, parentURL: import.meta.url });
  const resolved = tryResolve(specifier, context.parentURL ?? '', () => next(specifier, context));
  const folder = folders.get(number);
  const isOfSite =
    folder !== undefined &&
    resolved.url.startsWith(folder) &&
    !resolved.url.slice(folder.length).includes('node_modules/');
  if (!isOfSite || GENERATION.test(resolved.url)) return resolved;
  const mark = resolved.url.includes('?') ? '&' : '?';
  return { ...resolved, url: `${resolved.url}${mark}generation=${number}` };
};

function tryResolve<T>(specifier: string, importer: string, resolve: () => T): T {
  try {
    return resolve();
  } catch (error) {
    if (current !== null) current.unresolved = { specifier, importer: fileURLToPath(importer) };
    throw error;
  }
}

const noteRead: NonNullable<Hooks['load']> = (url, context, next) => {
  if (current !== null && generationOf(url) === current.number) current.lastRead = fileURLToPath(url);
  return next(url, context);
};

function generationOf(url: string | undefined): number | null {
  const match = GENERATION.exec(url ?? '');
  return match?.[1] === undefined ? null : Number(match[1]);
}
