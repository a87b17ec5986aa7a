import { readdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../../failure.ts';

/** Large, and without locks that anything waits for. */
const NOT_SEARCHED = new Set(['objects', 'logs', 'lfs', 'hooks']);

/**
 * Removes the lock files of a Git that was killed. Nothing else works in a build's directory at this time, and without
 * this every later build would fail with "Unable to create index.lock: File exists".
 */
export async function removeLocks(gitDirectory: string): Promise<void> {
  for (const entry of await entriesOf(gitDirectory)) {
    const path = join(gitDirectory, entry.name);
    if (entry.isDirectory()) {
      if (!NOT_SEARCHED.has(entry.name)) await removeLocks(path);
    } else if (entry.name.endsWith('.lock')) await unlink(path);
  }
}

async function entriesOf(directory: string) {
  try {
    return await readdir(directory, { withFileTypes: true });
  } catch (error) {
    // .git may be a file (a linked work tree): then its locks are elsewhere.
    if (systemCode(error) === 'ENOTDIR') return [];
    throw error;
  }
}
