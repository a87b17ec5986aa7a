import { chmodSync, existsSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from '../engine/ports.ts';

/** Files in the state folder that hold what nobody else is to read: people, hashes of their secrets, what is built. */
const PRIVATE_FILES = ['icefall.db', 'icefall.db-wal', 'icefall.db-shm'];
/** Whatever the group and all others may. */
const OTHERS = 0o077;

/**
 * Makes the state folder where it is missing, for the master's user alone. What others may read of an older one is closed to
 * them, and told; what cannot be closed (the folder is somebody else's) is told with what to do about it.
 */
export function makePrivate(directory: string, log: Logger): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  for (const path of [directory, ...PRIVATE_FILES.map((name) => join(directory, name))]) {
    if (existsSync(path)) close(path, log);
  }
}

function close(path: string, log: Logger): void {
  const mode = statSync(path).mode & 0o7777;
  if ((mode & OTHERS) === 0) return;
  const was = `${path} had the mode ${mode.toString(8).padStart(4, '0')}, so others on this machine could open it`;
  try {
    chmodSync(path, mode & ~OTHERS);
    log.warn({ path }, `${was}; it is closed to them now: change what they may have read (docs/security.md)`);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    log.warn(
      { path },
      `${was}, and it cannot be closed to them (${why}): give it to the master's user, or chmod go= it`,
    );
  }
}

/** Does something that makes files, none of which others may open. */
export function privately<T>(work: () => T): T {
  const before = process.umask(OTHERS);
  try {
    return work();
  } finally {
    process.umask(before);
  }
}
