/**
 * A path as a string in which each character stands for one byte. File names are bytes on Linux, not text; this form
 * keeps every name, and sorts and compares as the bytes do.
 */
export type BytePath = string;

/** Whether it is the same as text, as bytes and as a {@link BytePath}: nearly all names are. */
export const isAscii = (text: string): boolean => !/\P{ASCII}/u.test(text);

/** From text (UTF-8), for instance an option of the command line. */
export function bytePath(text: string): BytePath {
  return isAscii(text) ? text : Buffer.from(text, 'utf8').toString('latin1');
}

/** For calls of the operating system. */
export function toBytes(path: BytePath): Buffer {
  return Buffer.from(path, 'latin1');
}

/** For people: as UTF-8, with a replacement character where the name is not UTF-8. */
export function forPeople(path: BytePath): string {
  return isAscii(path) ? path : toBytes(path).toString('utf8');
}

/** The text, where the name is valid UTF-8; otherwise null. */
export function asText(path: BytePath): string | null {
  const text = forPeople(path);
  return bytePath(text) === path ? text : null;
}

export function joinPath(base: BytePath, name: BytePath): BytePath {
  return base === '' ? name : `${base}/${name}`;
}

/** The directory that holds it; an empty path for what lies at the top. */
export function parentPath(path: BytePath): BytePath {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? '' : path.slice(0, slash);
}
