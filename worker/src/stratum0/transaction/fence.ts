import { readFile } from 'node:fs/promises';
import type { Context, Fence } from '../context.ts';
import { replaceFile } from '../disk.ts';
import { Stratum0Error, systemCode } from '../errors.ts';
import type { RepositoryPaths } from '../paths.ts';

/** From the environment; null: none is given. Throws `usage`. */
export function readFence(text: string | undefined): Fence | null {
  if (text === undefined || text === '') return null;
  const fence = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(fence))
    throw new Stratum0Error(
      'usage',
      `ICEFALL_FENCE must be a whole number, not "${text}"; without it nothing is checked`,
    );
  return fence;
}

/**
 * Lets a command pass under the newest grant that a repository has seen, or a newer one, which is remembered before anything
 * else is done. One number for the whole repository is right for locks of paths in it too: this publisher has one
 * transaction open at a time, so whoever works on it holds a lock that was granted after all earlier ones were given back.
 * Throws `stale_fence`.
 */
export async function passFence(context: Context, paths: RepositoryPaths): Promise<void> {
  if (context.fence === null) return;
  const seen = await seenFence(paths);
  if (context.fence < seen)
    throw new Stratum0Error(
      'stale_fence',
      `this command has lost its lock: it was granted as number ${context.fence}, and ${seen} has worked on ${paths.name} since; nothing was done. Start the build again. (If the master was made anew, remove ${paths.fence})`,
    );
  if (context.fence === seen) return;
  await replaceFile(context.disk, paths.fence, `${paths.fence}.new`, Buffer.from(`${context.fence}\n`));
}

/** 0: none yet. */
async function seenFence(paths: RepositoryPaths): Promise<Fence> {
  const text = await readFile(paths.fence, 'utf8').catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return '0';
    throw error;
  });
  const seen = Number(text.trim());
  if (text.trim() === '' || !Number.isSafeInteger(seen))
    throw new Stratum0Error(
      'bad_state',
      `${paths.fence} does not hold a number; see that nobody else publishes ${paths.name}, and remove it`,
    );
  return seen;
}
