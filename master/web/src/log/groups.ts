import type { LogLine } from '@icefall/shared';
import { plainText } from '@icefall/shared/terminal';

/** What a line says of the groups of a log. */
export type GroupMark =
  | { readonly kind: 'begin'; readonly title: string; readonly isFolded: boolean }
  | { readonly kind: 'end' }
  /** Ends the group before it, if there is one, and begins another (`--- title`, `+++ title`). */
  | { readonly kind: 'next'; readonly title: string; readonly isFolded: boolean };

// The two lines that begin a difference of files look the same, but name a path.
const HEADER = /^(---|\+\+\+|~~~) (?!a\/|b\/|\/|\S+\t)(\S.*)$/;

/**
 * Reads the marks that programs print for the CI systems they know: `::group::title` and `::endgroup::`,
 * `##[group]title`, GitLab's `section_start:TIME:name[collapsed=true]` and `section_end:TIME:name`, and headers of
 * `---` (folded), `+++` (open) and `~~~` (folded). Null for every other line.
 */
export function markOf(raw: string): GroupMark | null {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: its marks are made of control characters.
  const section = /^(?:\u001b\[0K)?section_(start|end):\d+:([\w.-]+)(\[[^\]]*\])?\r?(?:\u001b\[0K)?(.*)$/.exec(raw);
  if (section !== null) {
    const [, which, name = '', options = '', title = ''] = section;
    if (which === 'end') return { kind: 'end' };
    return { kind: 'begin', title: plainText(title) || name, isFolded: options.includes('collapsed=true') };
  }
  const text = plainText(raw);
  const group = /^(?:::group::|##\[group\])(.*)$/.exec(text);
  if (group !== null) return { kind: 'begin', title: group[1]?.trim() || 'group', isFolded: true };
  if (/^(?:::endgroup::|##\[endgroup\])/.test(text)) return { kind: 'end' };
  const header = HEADER.exec(text);
  return header === null ? null : { kind: 'next', title: header[2] ?? '', isFolded: header[1] !== '+++' };
}

/** A group's lines: its first line is the one with its title, the last one the end (or the line before what follows). */
export interface Group {
  readonly first: number;
  readonly last: number;
  readonly title: string;
  readonly isFolded: boolean;
  /** How many groups it lies in. */
  readonly depth: number;
}

interface Open {
  readonly first: number;
  readonly title: string;
  readonly isFolded: boolean;
  readonly isHeader: boolean;
}

/** A mark and its line. */
export interface PlacedMark {
  readonly n: number;
  readonly mark: GroupMark;
}

/** The marks among these lines. */
export function marksOf(lines: readonly Pick<LogLine, 'n' | 'text'>[]): PlacedMark[] {
  return lines.flatMap(({ n, text }) => {
    const mark = markOf(text);
    return mark === null ? [] : [{ n, mark }];
  });
}

/** Groups of a log whose marks are these, in the order in which they begin. One that has no end reaches to `total`. */
export function groupsOf(marks: readonly PlacedMark[], total: number): Group[] {
  const groups: Group[] = [];
  const open: Open[] = [];
  const close = (last: number) => {
    const group = open.pop();
    if (group === undefined) return;
    const { first, title, isFolded } = group;
    groups.push({ first, last, title, isFolded, depth: open.length });
  };
  for (const { n, mark } of marks) {
    if (mark.kind === 'end') {
      if (open.at(-1)?.isHeader === true && open.length > 1) close(n - 1);
      if (open.at(-1)?.isHeader !== true) close(n);
      continue;
    }
    if (mark.kind === 'next' && open.at(-1)?.isHeader === true) close(n - 1);
    open.push({ first: n, title: mark.title, isFolded: mark.isFolded, isHeader: mark.kind === 'next' });
  }
  while (open.length > 0) close(total - 1);
  return groups.sort((a, b) => a.first - b.first);
}
