/**
 * What can go wrong, with the exit code that `cvmfs_server` gives for it where it has one of its own
 * (`cvmfs_publish transaction`: EEXIST, EBUSY; `cvmfs_publish abort`: EINVAL, EINTR); ESTALE for a lost lock; all else is 1.
 */
const EXIT_CODES = {
  usage: 1,
  bad_name: 1,
  no_repository: 1,
  repository_exists: 1,
  in_transaction: 17,
  no_transaction: 22,
  declined: 4,
  busy: 16,
  stale_fence: 116,
  whitelist_expired: 1,
  bad_key: 1,
  bad_manifest: 1,
  bad_whitelist: 1,
  bad_history: 1,
  bad_state: 1,
  bad_signature: 1,
  damaged_object: 1,
  missing_object: 1,
  unsupported_file: 1,
  unreadable_file: 1,
  file_changed: 1,
  outside_path: 1,
  tag_exists: 1,
  no_tag: 1,
  disk_full: 1,
  bad_marker: 1,
  bad_dirtab: 1,
  bad_archive: 1,
  check_failed: 1,
  unreachable: 1,
  port_taken: 1,
  system_error: 1,
} as const;

export type Stratum0ErrorCode = keyof typeof EXIT_CODES;

/** A failure with a name, told to people in one line. */
export class Stratum0Error extends Error {
  readonly code: Stratum0ErrorCode;
  readonly exitCode: number;
  constructor(code: Stratum0ErrorCode, message: string) {
    super(message);
    this.name = 'Stratum0Error';
    this.code = code;
    this.exitCode = EXIT_CODES[code];
  }
}

/** The `code` of an error that the operating system gave (`ENOENT`, `EACCES`), or an empty string. */
export function systemCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

const FULL = ['ENOSPC', 'EDQUOT'];

/** What to do about what the operating system refuses. */
const REMEDIES: Readonly<Record<string, string>> = {
  EACCES: 'run this as the user that it belongs to, or let this one in',
  EPERM: 'run this as the user that it belongs to, or let this one in',
  EROFS: 'mount the disk so that it can be written to',
  ENOENT: 'put it there again',
  EEXIST: 'move what is there away',
  ENOTDIR: 'a directory is to be there: move what is there away',
  EISDIR: 'a file is to be there: move the directory away',
  ENOTEMPTY: 'see who writes there',
  EBUSY: 'end what uses it, or unmount what is mounted there',
  ENAMETOOLONG: 'make the path shorter',
  EMFILE: 'allow more open files',
  ENOSPC: 'make room',
  EDQUOT: 'make room',
  EIO: 'see in the log of the system what is wrong with the disk',
};

/** What the operating system refused, as an error with a name; other errors as they are. */
export function namingRefusal(error: unknown): unknown {
  if (!(error instanceof Error) || !('syscall' in error)) return error;
  const code = systemCode(error);
  const remedy = REMEDIES[code] ?? 'put that right';
  return new Stratum0Error(
    FULL.includes(code) ? 'disk_full' : 'system_error',
    `${error.message}: ${remedy}, then do the same again`,
  );
}

/** Runs `work`; what fails for want of room on a disk fails with `disk_full`. */
export async function namingFullDisk<T>(repository: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const isFull = FULL.includes(systemCode(error));
    if (!isFull && !/ENOSPC|EDQUOT|database or disk is full/.test(String(error))) throw error;
    throw new Stratum0Error(
      'disk_full',
      `the disk of ${repository} is full: make room, then do the same again; what is served is whole (${String(error)})`,
    );
  }
}
