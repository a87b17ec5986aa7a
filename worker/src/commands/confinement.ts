import { constants } from 'node:fs';
import { type FileHandle, open, readlink, realpath } from 'node:fs/promises';
import { Failure, systemWords } from '../failure.ts';
import type { CommandContext } from './context.ts';
import { isWithin } from './paths.ts';

type Places = Pick<CommandContext, 'buildDirectory'>;

/**
 * Opens a file to read it. Where its path lies in the build's directory, so must the file: a link that a build has put
 * there leads nowhere else, not even one that is put there at this moment. A path elsewhere is the site's own choice.
 * Throws {@link Failure} `not_readable`, `not_a_file` or `outside`.
 */
export async function openFile(path: string, context: Places): Promise<FileHandle> {
  // A pipe would be waited for.
  const file = await openConfined(path, constants.O_RDONLY | constants.O_NONBLOCK, context);
  if ((await file.stat()).isFile()) return file;
  await file.close();
  throw new Failure('not_a_file', `${path} is not a file`);
}

/** As {@link openFile}, for a directory; {@link pathOf} gives a path of it that no link can turn elsewhere. */
export function openDirectory(path: string, context: Places): Promise<FileHandle> {
  return openConfined(path, constants.O_RDONLY | constants.O_DIRECTORY, context);
}

/** A path of what is open, for this process and those that it starts. */
export function pathOf(handle: FileHandle): string {
  return `/proc/${process.pid}/fd/${handle.fd}`;
}

async function openConfined(path: string, flags: number, { buildDirectory }: Places): Promise<FileHandle> {
  let handle: FileHandle;
  try {
    handle = await open(path, flags);
  } catch (error) {
    throw new Failure('not_readable', `cannot read ${path}: ${systemWords(error)}`);
  }
  if (!isWithin(buildDirectory, path)) return handle;
  const real = await readlink(pathOf(handle));
  if (isWithin(await realpath(buildDirectory), real)) return handle;
  await handle.close();
  throw new Failure(
    'outside',
    `${path} leads to ${real}, outside of the build's directory; name that place itself in the step if it is meant`,
  );
}
