import { lstat, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Failure, systemCode, systemWords } from '../failure.ts';
import type { ProcessEnd } from '../processes/spec.ts';
import type { CommandContext } from './context.ts';
import { assertRemovable, isWithin } from './paths.ts';
import { didWell, runTool } from './tools.ts';

interface TreeOptions {
  /** In time of the clock's `monotonic`. */
  readonly deadlineMs?: number | null;
  readonly maxTimeMs?: number | null;
}

/**
 * Removes files and whole trees, also such that were made read-only. What is not there is no fault. Throws
 * {@link Failure} `unsafe_path` for what must not be removed.
 */
export async function removeTrees(
  context: CommandContext,
  paths: readonly string[],
  limits: TreeOptions = {},
): Promise<ProcessEnd> {
  for (const path of paths) assertRemovable(path, context.baseDirectory);
  const options = { cwd: context.baseDirectory, ...limits };
  const remove = ['rm', '-rf', '--', ...paths] as const;
  const first = await runTool(context, remove, { ...options, output: 'hide' });
  if (didWell(first) || first.reason !== 'exited') return first;
  const directories = await keepDirectories(paths);
  if (directories.length > 0) {
    const opened = await runTool(context, ['chmod', '-R', 'u+rwX', '--', ...directories], {
      ...options,
      output: 'hide',
    });
    if (opened.reason !== 'exited') return opened;
  }
  return await runTool(context, remove, options);
}

/** Those that are directories themselves: `chmod -R` would follow a link that it is given. */
async function keepDirectories(paths: readonly string[]): Promise<string[]> {
  const directories: string[] = [];
  for (const path of paths) {
    const facts = await lstatOrNull(path);
    if (facts?.isDirectory()) directories.push(path);
  }
  return directories;
}

export async function lstatOrNull(path: string) {
  try {
    return await lstat(path);
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return null;
    throw new Failure('not_readable', `cannot look at ${path}: ${systemWords(error)}`);
  }
}

/**
 * Copies what is in a directory into another, which may exist already, with modes, times and symbolic links.
 * Throws {@link Failure} `not_a_directory` or `bad_path`.
 */
export async function copyTree(
  context: CommandContext,
  { from, to }: { readonly from: string; readonly to: string },
  limits: TreeOptions = {},
): Promise<ProcessEnd> {
  if (!(await lstatOrNull(join(from, '.')))?.isDirectory())
    throw new Failure('not_a_directory', `cannot copy ${from}: there is no such directory`);
  if (isWithin(from, to)) throw new Failure('bad_path', `cannot copy ${from} into itself (${to})`);
  await makeDirectoryAt(dirname(to));
  // Not copied into `to` but as `to` where that is new: its own mode and times come along only at the end of the copy.
  await makeDirectoryAt(to);
  return await runTool(context, ['cp', '-a', '--', `${from}/.`, to], { cwd: context.baseDirectory, ...limits });
}

/** Throws {@link Failure} `not_writable`. */
export async function makeDirectoryAt(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
  } catch (error) {
    throw new Failure('not_writable', `cannot make the directory ${path}: ${systemWords(error)}`);
  }
}
