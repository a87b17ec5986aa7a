import { access, constants, mkdir } from 'node:fs/promises';
import { dirname, isAbsolute, relative, resolve, sep } from 'node:path';
import { Failure, systemWords } from '../failure.ts';
import type { CommandContext } from './context.ts';

/** Resolves a path of a command: against its work directory, which is against the build's directory. */
export function resolvePath(
  context: Pick<CommandContext, 'buildDirectory'>,
  workdir: string,
  ...path: readonly string[]
): string {
  const resolved = resolve(context.buildDirectory, workdir, ...path);
  if (resolved.includes('\0'))
    throw new Failure('bad_path', `the path ${JSON.stringify(resolved)} holds a NUL character`);
  return resolved;
}

/** Whether a path is the directory, or lies below it. */
export function isWithin(directory: string, path: string): boolean {
  const way = relative(directory, path);
  return way === '' || (way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way));
}

/** Makes a directory and those above it. Throws {@link Failure} `workdir_unusable`. */
export async function makeUsable(directory: string): Promise<void> {
  try {
    await mkdir(directory, { recursive: true });
    await access(directory, constants.X_OK);
  } catch (error) {
    throw new Failure('workdir_unusable', `cannot use the work directory ${directory}: ${systemWords(error)}`);
  }
}

/**
 * The build's directory: below the base directory. Throws {@link Failure} `bad_build_directory` for any other, since
 * builds remove whole directories.
 */
export function buildDirectoryOf(baseDirectory: string, buildDirectory: string): string {
  const resolved = resolve(baseDirectory, buildDirectory);
  const [first] = relative(baseDirectory, resolved).split(sep);
  const inside = isWithin(baseDirectory, resolved) && resolved !== baseDirectory && first !== AGENT_DIRECTORY;
  if (inside && !buildDirectory.includes('\0')) return resolved;
  throw new Failure(
    'bad_build_directory',
    `the build directory ${JSON.stringify(buildDirectory)} is not a directory of its own below ${baseDirectory}`,
  );
}

/** Below the base directory, for what the agent itself keeps. */
export const AGENT_DIRECTORY = '.icefall';

/** Throws {@link Failure} `unsafe_path` for a path whose removal would take the agent's own files along. */
export function assertRemovable(path: string, baseDirectory: string): void {
  const own = resolve(baseDirectory, AGENT_DIRECTORY);
  if (!isWithin(path, own) && !isWithin(own, path) && dirname(path) !== path) return;
  throw new Failure('unsafe_path', `${path} is not removed: the worker keeps its journal in ${own}`);
}
