import { type BytePath, forPeople } from '../byte-path.ts';
import { Stratum0Error } from '../errors.ts';

/** Which directories begin nested catalogs by rule. */
export type Dirtab = (directory: BytePath) => boolean;

/** The file in the repository's root that holds the rules. */
export const DIRTAB = '.cvmfsdirtab';

/**
 * Reads rules, one a line: an absolute path in which `*` and `?` stand for anything but a slash, `[…]` for one of a set,
 * a backslash takes the next character as it is; `!` before it excludes; `#` begins a comment line (CernVM-FS technical
 * documentation, "Managing Nested Catalogs"). A directory begins a nested catalog where a rule matches its whole path and
 * no excluding one does; in an excluding one `*` and `?` stand for slashes too, and it may be relative (`! *.svn`), as with
 * the stock tools. Throws `bad_dirtab` for other lines: who wrote them meant something.
 */
export function readDirtab(text: BytePath): Dirtab {
  const included: ((path: string) => boolean)[] = [];
  const excluded: ((path: string) => boolean)[] = [];
  for (const [i, raw] of text.split('\n').entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const refuse = (what: string): never => {
      throw new Stratum0Error('bad_dirtab', `${DIRTAB}, line ${i + 1}: "${forPeople(line)}" ${what}`);
    };
    const isExcluding = line.startsWith('!');
    const pattern = isExcluding ? line.slice(1).trim() : line;
    if (!isExcluding && !pattern.startsWith('/'))
      refuse('is not an absolute path: begin it with a slash, which is the root of the repository');
    try {
      (isExcluding ? excluded : included).push(readPattern(pattern, (wild) => isExcluding || wild !== '/'));
    } catch {
      refuse('is no pattern: see to what is between [ and ]');
    }
  }
  return (directory) => {
    const path = `/${directory}`;
    return included.some((matches) => matches(path)) && !excluded.some((matches) => matches(path));
  };
}

/** A wildcard for any number of characters, or what one character must be. */
type Part = '*' | ((character: string) => boolean);

/** `isWild`: what a wildcard, or one of a set, can stand for. */
function readPattern(pattern: string, isWild: (character: string) => boolean): (path: string) => boolean {
  const words = pattern.replace(/\/+$/, '').match(/\\.|\[!?\]?[^\]]*\]|[\s\S]/g) ?? [];
  const parts = words.map((word): Part => {
    if (word === '*') return '*';
    if (word === '?') return isWild;
    if (word.length <= 2) return (character) => character === word.slice(-1);
    const [, not, members = ''] = /^\[(!?)(.*)\]$/s.exec(word) ?? [];
    const set = new RegExp(`[${not === '!' ? '^' : ''}${members.replace(/[\\\]]/g, '\\$&')}]`, 's');
    return (character) => set.test(character) && isWild(character);
  });
  return (path) => isMatch(parts, path, isWild);
}

/** Goes back to the last wildcard only: an expression with several would try all ways to share a path among them. */
function isMatch(parts: readonly Part[], path: string, isWild: (character: string) => boolean): boolean {
  let part = 0;
  /** Behind the last wildcard, and where in the path what it stands for ends. */
  let back: { readonly part: number; at: number } | null = null;
  for (let at = 0; at < path.length; ) {
    const next = parts[part];
    if (next === '*') {
      part += 1;
      back = { part, at };
    } else if (next?.(path.charAt(at)) === true) {
      part += 1;
      at += 1;
    } else if (back !== null && isWild(path.charAt(back.at))) {
      back.at += 1;
      part = back.part;
      at = back.at;
    } else return false;
  }
  return parts.slice(part).every((rest) => rest === '*');
}
