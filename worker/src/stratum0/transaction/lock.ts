import { DatabaseSync } from 'node:sqlite';
import type { Context } from '../context.ts';
import { namingFullDisk, Stratum0Error } from '../errors.ts';
import type { RepositoryPaths } from '../paths.ts';
import { passFence } from './fence.ts';

/**
 * Runs `work` while no other process works on the repository. The lock is SQLite's on an empty database: a lock of the
 * operating system that goes away with its process however that ends, which Node offers in no other way. Throws `busy`
 * when another one has it, `stale_fence` for a command that should not work any more, and `disk_full` for whatever
 * failed for want of room.
 */
export async function withRepositoryLock<T>(
  context: Context,
  paths: RepositoryPaths,
  work: () => Promise<T>,
): Promise<T> {
  const database = new DatabaseSync(paths.lock);
  try {
    try {
      database.exec('PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE');
    } catch (error) {
      if (!(error instanceof Error && /locked|busy/.test(error.message))) throw error;
      throw new Stratum0Error('busy', `another command is working on ${paths.name} now; try again when it has ended`);
    }
    return await namingFullDisk(paths.name, async () => {
      await passFence(context, paths);
      return work();
    });
  } finally {
    database.close();
  }
}
