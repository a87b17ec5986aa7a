import { type BytePath, forPeople } from '../byte-path.ts';
import { Stratum0Error } from '../errors.ts';

/** `rsync -i` says of a name what is new about it, in eleven characters. */
const ITEMIZED = /^(?:[<>ch.*][fdLDS].{9}|\*deleting {2}) /;

/**
 * Paths that may have changed, from a list of them: one a line, or each ended by a zero byte where there is one. The output
 * of `rsync -i`, or of `--out-format=%n`, will do: with what it adds to the names and its escapes. A line that can be read in
 * several ways gives all of these paths, since one too many costs little and one too few is a change that is not published.
 * Throws `outside_path` for a line that cannot be read but as a path with `..` in it.
 */
export function readChangedList(list: Uint8Array): BytePath[] {
  const text = Buffer.from(list.buffer, list.byteOffset, list.byteLength).toString('latin1');
  const lines = text.split(text.includes('\0') ? '\0' : '\n').filter((line) => line !== '');
  const paths = new Set<BytePath>();
  for (const line of lines) {
    const inside = readingsOf(line).filter((path) => !path.split('/').includes('..'));
    if (inside.length === 0)
      throw new Stratum0Error(
        'outside_path',
        `"${forPeople(line)}" in the list of changes leads out of where it begins: give paths without ".."`,
      );
    for (const path of inside) paths.add(path);
  }
  return [...paths];
}

function readingsOf(line: string): BytePath[] {
  const names = [line, line.replace(ITEMIZED, ''), line.replace(/^deleting /, '')];
  // Behind the arrow is where a link leads to.
  const paths = names.flatMap((name) => [name, name.replace(/ (?:->|=>) .*$/, '')]);
  return paths.flatMap((path) => [path, path.replace(/\\#([0-3][0-7]{2})/g, (_, octal: string) => byteOf(octal))]);
}

function byteOf(octal: string): string {
  return String.fromCharCode(Number.parseInt(octal, 8));
}
