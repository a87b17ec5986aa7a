import { type Executor, succeeded } from './context.ts';
import { resolvePath } from './paths.ts';
import { reportBeginning } from './report.ts';
import { endOf } from './tools.ts';
import { copyTree, makeDirectoryAt, removeTrees } from './trees.ts';

/** Makes a directory and those above it. */
export const makeDirectory: Executor<'makeDirectory'> = async (command, context) => {
  context.started(null);
  const path = resolvePath(context, command.workdir, command.path);
  reportBeginning(context, { line: `make directory ${command.path}`, directory: path });
  await makeDirectoryAt(path);
  return succeeded();
};

/** Removes directories and all below them; one that is not there is no fault. */
export const removeDirectory: Executor<'removeDirectory'> = async (command, context) => {
  const paths = command.paths.map((path) => resolvePath(context, command.workdir, path));
  const directory = resolvePath(context, command.workdir);
  reportBeginning(context, { line: `remove ${command.paths.join(', ')}`, directory });
  return endOf(await removeTrees(context, paths));
};

/** Copies the content of a directory into another, with modes, times and symbolic links. */
export const copyDirectory: Executor<'copyDirectory'> = async (command, context) => {
  const directory = resolvePath(context, command.workdir);
  reportBeginning(context, { line: `copy ${command.from} to ${command.to}`, directory, limits: command });
  const { maxTimeMs } = command;
  const deadlineMs = maxTimeMs === null ? null : context.clock.monotonic() + maxTimeMs;
  const [from, to] = [command.from, command.to].map((path) => resolvePath(context, command.workdir, path));
  return endOf(await copyTree(context, { from: from as string, to: to as string }, { deadlineMs, maxTimeMs }));
};
