import { lstat, readdir, rename, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { TransferError } from './errors.ts';

/**
 * Moves a file or directory to a place on the same file system. What is there of the same name is replaced, each file at
 * once; directories are joined, and no link is followed. Throws {@link TransferError} where a directory and something
 * else have the same name.
 */
export async function mergeInto(from: string, to: string): Promise<void> {
  const [ours, theirs] = [await lstat(from), await lstatOrNull(to)];
  if (theirs === null || (!ours.isDirectory() && !theirs.isDirectory())) {
    await rename(from, to);
    return;
  }
  if (!ours.isDirectory() || !theirs.isDirectory())
    throw new TransferError(
      409,
      'conflict',
      `${to} on the master is ${theirs.isDirectory() ? 'a' : 'no'} directory, unlike what was uploaded`,
    );
  for (const name of await readdir(from)) await mergeInto(join(from, name), join(to, name));
  await rmdir(from);
}

async function lstatOrNull(path: string) {
  try {
    return await lstat(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}
