import { stripVTControlCharacters, styleText } from 'node:util';
import type { Format, Terminal } from '../terminal.ts';

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });
const WIDE =
  /\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Hangul}|\p{Emoji_Presentation}|[\uff01-\uff60]/u;
/** Replaced by pictures: a name from outside must not move the cursor, retitle the window or reverse the line. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it is about
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it is about
const COLOUR_SEQUENCE = /(\u001b\[[\d;:]*m)/u;

/** Text from outside on one line, with nothing in it that a terminal obeys. */
export function printable(text: string): string {
  return text.replace(CONTROLS, (character) => {
    const code = character.charCodeAt(0);
    if (code === 0x0a || code === 0x0d || code === 0x09) return ' ';
    return code < 0x20 ? String.fromCharCode(0x2400 + code) : '\ufffd';
  });
}

/** A log line for a terminal: colours stay (they are ended at its end), everything else that a terminal obeys goes. */
export function printableLog(text: string, colour: boolean): string {
  const pieces = text.split(COLOUR_SEQUENCE);
  const shown = pieces.map((piece, i) => (i % 2 === 1 ? (colour ? piece : '') : withTabs(piece))).join('');
  return colour && pieces.length > 1 ? `${shown}\u001b[0m` : shown;
}

function withTabs(text: string): string {
  return text.split('\t').map(printable).join('\t');
}

/** Columns that a text takes on a terminal. */
export function widthOf(text: string): number {
  let width = 0;
  for (const { segment } of graphemes.segment(stripVTControlCharacters(text))) width += WIDE.test(segment) ? 2 : 1;
  return width;
}

/** The text in at most `width` columns; where something is left out, it ends with `…`. */
export function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let kept = '';
  let used = 1;
  for (const { segment } of graphemes.segment(text)) {
    used += WIDE.test(segment) ? 2 : 1;
    if (used > width) break;
    kept += segment;
  }
  return `${kept.trimEnd()}…`;
}

export function paint(terminal: Pick<Terminal, 'colour'>, format: Format, text: string): string {
  return terminal.colour && text !== '' ? styleText(format, text, { validateStream: false }) : text;
}

/** `1 build`, `2 builds`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
