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
  return namingFullDisk(paths.name, async () => {
    const database = takeLock(paths);
    try {
      await passFence(context, paths);
      return await work();
    } finally {
      database.close();
    }
  });
}

/** Gives the lock: closing it gives it back. */
function takeLock({ name, lock }: RepositoryPaths): DatabaseSync {
  let database: DatabaseSync | null = null;
  try {
    database = new DatabaseSync(lock);
    // Nothing is ever written to it: without a journal on the disk it can be had where that is full, too.
    database.exec('PRAGMA busy_timeout = 0; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    return database;
  } catch (error) {
    database?.close();
    if (error instanceof Error && /locked|busy/.test(error.message))
      throw new Stratum0Error('busy', `another command is working on ${name} now; try again when it has ended`);
    throw new Stratum0Error(
      'bad_state',
      `${lock} cannot be used as a lock (${String(error)}): let this user write there; where its directory is gone, "import" makes it anew, and where it is not an empty file, remove it`,
    );
  }
}
