import { hostname, userInfo } from 'node:os';
import { type Disk, realDisk } from './disk.ts';
import { DEFAULT_THREADS } from './objects/pool.ts';

/**
 * The number of a master's grant of the locks under which a command runs; each grant has a higher one than all before. A
 * command with a lower one than was seen is of a holder that has lost its locks, perhaps without having noticed.
 */
export type Fence = number;

/** What every verb is given. */
export interface Context {
  /** Below it: `srv` (served), `spool`, `keys` and `mount`. */
  readonly directory: string;
  readonly disk: Disk;
  /** Threads that read and compress files; 0: the calling one does, through `disk`. */
  readonly threads: number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** One line for people. */
  readonly say: (line: string) => void;
  /** Who works here, for the record of a transaction: a build, or a person and host. */
  readonly owner: string;
  /** The grant of the locks under which the command runs; null: nobody looks at locks. */
  readonly fence: Fence | null;
}

/** The context of the command line: real disk, real clock. */
export function realContext(
  directory: string,
  owner: string | undefined,
  say: (line: string) => void,
  fence: Fence | null = null,
): Context {
  return {
    directory,
    disk: realDisk,
    threads: DEFAULT_THREADS,
    now: () => Date.now(),
    say,
    owner: owner ?? `${userInfo().username}@${hostname()}`,
    fence,
  };
}
