import { statSync } from 'node:fs';
import type { Database } from '../db/database.ts';
import { StorageError } from './faults.ts';

/**
 * Makes a check that the file of an open database is still the one under its name. SQLite goes on with a file that was
 * removed or replaced, as if nothing were: what is stored there is gone when the process ends. The check throws
 * StorageError `moved`; a database in memory has no file.
 */
export function fileInPlace(database: Database): () => void {
  if (database.memory) return () => {};
  const opened = idOf(database.name);
  return () => {
    if (idOf(database.name) !== opened) throw new StorageError('moved');
  };
}

function idOf(path: string): string | null {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stats === undefined ? null : `${stats.dev}:${stats.ino}`;
}
