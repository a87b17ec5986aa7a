import Sqlite from 'better-sqlite3';

/** What the storage is refusing. */
export type FaultReason = 'full' | 'locked' | 'readOnly' | 'damaged' | 'unreadable' | 'moved';

/** The master's storage refuses: nothing of what was asked for was done, and it may be asked again. */
export class StorageError extends Error {
  readonly code = 'storage_unavailable';
  readonly reason: FaultReason;
  constructor(reason: FaultReason, options?: ErrorOptions) {
    super(`the master cannot store anything now: ${WORDS[reason]}; nothing was changed, try again later`, options);
    this.name = 'StorageError';
    this.reason = reason;
  }
}

const WORDS: Readonly<Record<FaultReason, string>> = {
  full: 'its disk is full',
  locked: 'its database is locked by another program',
  readOnly: 'its disk is read-only',
  damaged: 'its database is damaged',
  unreadable: 'its disk fails',
  moved: 'the file of its database was moved, removed or replaced',
};

const REMEDIES: Readonly<Record<FaultReason, string>> = {
  full: 'free space on that disk; the master goes on by itself',
  locked: 'end the other program that has it open; the master goes on by itself',
  readOnly: "see the system's log why; make it writable again, and the master goes on by itself",
  damaged: 'stop the master, see what icefall verify says, and put the newest backup back with icefall restore',
  moved:
    'put that very file back, and the master goes on by itself; one that was removed or overwritten is gone when the master ends',
  unreadable: "see the system's log; if the disk is lost, put the newest backup back with icefall restore",
};

/** What an operator is told of a fault. `place` is where the storage is. */
export function describeFault({ reason, cause }: StorageError, place: string): string {
  const code = codeOf(cause);
  return `${place}: ${WORDS[reason]}${code === null ? '' : ` (${code})`}: intake is paused; ${REMEDIES[reason]}`;
}

/** SQLite's primary result codes (https://sqlite.org/rescode.html), which its extended ones begin with. */
const SQLITE_REASONS: readonly (readonly [prefix: string, reason: FaultReason])[] = [
  ['SQLITE_FULL', 'full'],
  ['SQLITE_BUSY', 'locked'],
  ['SQLITE_LOCKED', 'locked'],
  ['SQLITE_READONLY', 'readOnly'],
  ['SQLITE_CORRUPT', 'damaged'],
  ['SQLITE_NOTADB', 'damaged'],
  ['SQLITE_IOERR', 'unreadable'],
  ['SQLITE_CANTOPEN', 'unreadable'],
];

/** The system's errors of files that have nothing to do with what was asked for. */
const SYSTEM_REASONS: Readonly<Record<string, FaultReason>> = {
  ENOSPC: 'full',
  EDQUOT: 'full',
  EFBIG: 'full',
  EROFS: 'readOnly',
  EIO: 'unreadable',
};

/** The fault of the storage that an error is, or null for any other error. */
export function storageFault(error: unknown): StorageError | null {
  if (error instanceof StorageError) return error;
  const code = codeOf(error);
  if (code === null) return null;
  const reason =
    error instanceof Sqlite.SqliteError
      ? SQLITE_REASONS.find(([prefix]) => code.startsWith(prefix))?.[1]
      : SYSTEM_REASONS[code];
  return reason === undefined ? null : new StorageError(reason, { cause: error });
}

function codeOf(error: unknown): string | null {
  const code: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, 'code') : undefined;
  return typeof code === 'string' ? code : null;
}
