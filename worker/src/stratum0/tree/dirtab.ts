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
  const included: RegExp[] = [];
  const excluded: RegExp[] = [];
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
      (isExcluding ? excluded : included).push(toExpression(pattern, isExcluding ? '.' : '[^/]'));
    } catch {
      refuse('is no pattern: see to what is between [ and ]');
    }
  }
  return (directory) => {
    const path = `/${directory}`;
    return included.some((rule) => rule.test(path)) && !excluded.some((rule) => rule.test(path));
  };
}

/** `any`: the expression that one wildcard character stands for. */
function toExpression(pattern: string, any: string): RegExp {
  const parts = pattern.replace(/\/+$/, '').match(/\\.|\[!?\]?[^\]]*\]|[\s\S]/g) ?? [];
  const source = parts.map((part) => {
    if (part === '*') return `${any}*`;
    if (part === '?') return any;
    if (part.length > 2) return part.replace(/^\[!/, '[^').replaceAll('\\', '\\\\');
    return part.slice(-1).replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
  });
  return new RegExp(`^${source.join('')}$`, 's');
}
