/** Something the world did wrong, with a code for programs and a sentence for people. */
export class Failure extends Error {
  readonly code: string;
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'Failure';
    this.code = code;
  }
}

/** The system's code of an error (`ENOENT`, …), or undefined where it has none. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

export function messageOf(error: unknown): string {
  // What a connection to a name with several addresses ends in has no message of its own.
  if (error instanceof AggregateError && error.message === '') return messageOf(error.errors[0]);
  return error instanceof Error ? error.message : String(error);
}

/** What the system's codes mean, in words. */
const SYSTEM_WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or directory',
  ENOTDIR: 'a part of the path is not a directory',
  EISDIR: 'it is a directory',
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  ENOSPC: 'the disk is full',
  EROFS: 'the file system is read-only',
  EEXIST: 'it exists already',
  ENOTEMPTY: 'the directory is not empty',
  ENAMETOOLONG: 'the name is too long',
  ELOOP: 'too many symbolic links',
  EBUSY: 'it is in use',
  EDQUOT: 'the disk quota is used up',
  EMFILE: 'too many files are open',
  E2BIG: 'the arguments and the environment are too long together',
};

/** In words what the system said, for sentences like "cannot read /x: …". */
export function systemWords(error: unknown): string {
  const code = systemCode(error);
  const words = code === undefined ? undefined : SYSTEM_WORDS[code];
  return words === undefined ? messageOf(error) : `${words} (${code})`;
}
