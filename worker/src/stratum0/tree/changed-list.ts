import type { BytePath } from '../byte-path.ts';

/** `rsync -i` says of a name what is new about it, in eleven characters. */
const ITEMIZED = /^(?:[<>ch.*][fdLDS].{9}|\*deleting {2}) /;

/**
 * Paths that may have changed, from a list of them: one a line, or each ended by a zero byte where there is one. The output
 * of `rsync -i`, or of `--out-format=%n`, will do: with what it adds to the names and its escapes. A line that can be read in
 * several ways gives all of these paths, since one too many costs little and one too few is a change that is not published.
 */
export function readChangedList(list: Uint8Array): BytePath[] {
  const text = Buffer.from(list.buffer, list.byteOffset, list.byteLength).toString('latin1');
  const lines = text.split(text.includes('\0') ? '\0' : '\n').filter((line) => line !== '');
  const paths = new Set<BytePath>();
  for (const line of lines)
    for (const name of [line, line.replace(ITEMIZED, ''), line.replace(/^deleting /, '')])
      for (const path of [name, name.replace(/ (?:->|=>) .*$/, '')])
        for (const unescaped of [path, path.replace(/\\#([0-3][0-7]{2})/g, (_, octal: string) => byteOf(octal))])
          paths.add(unescaped);
  return [...paths];
}

function byteOf(octal: string): string {
  return String.fromCharCode(Number.parseInt(octal, 8));
}
