import { afterReturns, CONTROL_SEQUENCE } from '@icefall/shared/terminal';

/** A stretch of a line that looks the same. */
export interface Piece {
  readonly text: string;
  /** Class names: `b i u d inv` and `fg-N`, `bg-N` for the sixteen colours. */
  readonly classes: readonly string[];
  /** Colours beyond the sixteen, as CSS has them. */
  readonly color?: string;
  readonly background?: string;
  /** A link (OSC 8) to the web. */
  readonly href?: string;
}

interface Style {
  flags: Set<string>;
  fg: string | null;
  bg: string | null;
  color: string | null;
  background: string | null;
  href: string | null;
}

const FLAGS: Readonly<Record<number, string>> = { 1: 'b', 2: 'd', 3: 'i', 4: 'u', 7: 'inv', 9: 's' };
const UNFLAGS: Readonly<Record<number, readonly string[]>> = {
  22: ['b', 'd'],
  23: ['i'],
  24: ['u'],
  27: ['inv'],
  29: ['s'],
};

/** A line's text as a terminal shows it: what was overwritten after a carriage return is gone, colours are classes. */
export function parseAnsi(line: string): Piece[] {
  const text = afterReturns(line);
  const style: Style = { flags: new Set(), fg: null, bg: null, color: null, background: null, href: null };
  const pieces: Piece[] = [];
  let end = 0;
  for (const match of text.matchAll(CONTROL_SEQUENCE)) {
    add(pieces, text.slice(end, match.index), style);
    end = match.index + match[0].length;
    if (match[3] === 'm') restyle(style, match[1] ?? '');
    else if (match[0].startsWith('\u001b]8;'))
      style.href = /^https?:\/\//i.test(match[4] ?? '') ? (match[4] ?? null) : null;
  }
  add(pieces, text.slice(end), style);
  return pieces;
}

function add(pieces: Piece[], text: string, style: Style): void {
  if (text === '') return;
  const classes = [...style.flags];
  if (style.fg !== null) classes.push(style.fg);
  if (style.bg !== null) classes.push(style.bg);
  pieces.push({
    text,
    classes,
    ...(style.color === null ? {} : { color: style.color }),
    ...(style.background === null ? {} : { background: style.background }),
    ...(style.href === null ? {} : { href: style.href }),
  });
}

function restyle(style: Style, parameters: string): void {
  const codes = parameters.split(/[;:]/).map((code) => Number(code === '' ? 0 : code));
  for (let i = 0; i < codes.length; i += 1) {
    const code = codes[i] ?? 0;
    if (code === 38 || code === 48) i += extended(style, code, codes.slice(i + 1));
    else simple(style, code);
  }
}

function simple(style: Style, code: number): void {
  const flag = FLAGS[code];
  const unflags = UNFLAGS[code];
  if (code === 0) Object.assign(style, { flags: new Set<string>(), fg: null, bg: null, color: null, background: null });
  else if (flag !== undefined) style.flags.add(flag);
  else if (unflags !== undefined) for (const name of unflags) style.flags.delete(name);
  else if (code >= 30 && code <= 37) setForeground(style, `fg-${code - 30}`, null);
  else if (code >= 90 && code <= 97) setForeground(style, `fg-${code - 82}`, null);
  else if (code === 39) setForeground(style, null, null);
  else if (code >= 40 && code <= 47) setBackground(style, `bg-${code - 40}`, null);
  else if (code >= 100 && code <= 107) setBackground(style, `bg-${code - 92}`, null);
  else if (code === 49) setBackground(style, null, null);
}

function setForeground(style: Style, name: string | null, color: string | null): void {
  style.fg = name;
  style.color = color;
}

function setBackground(style: Style, name: string | null, color: string | null): void {
  style.bg = name;
  style.background = color;
}

/** `38;5;N` and `38;2;R;G;B`; returns how many codes it took. */
function extended(style: Style, code: number, rest: readonly number[]): number {
  const set = code === 38 ? setForeground : setBackground;
  const prefix = code === 38 ? 'fg' : 'bg';
  if (rest[0] === 5) {
    const n = byte(rest[1]);
    if (n < 16) set(style, `${prefix}-${n}`, null);
    else set(style, null, paletteColor(n));
    return 2;
  }
  if (rest[0] !== 2) return 0;
  set(style, null, `rgb(${byte(rest[1])} ${byte(rest[2])} ${byte(rest[3])})`);
  return 4;
}

function byte(value: number | undefined): number {
  return Number.isInteger(value) ? Math.min(255, Math.max(0, value ?? 0)) : 0;
}

/** Colours 16 to 231 are a cube of six steps a side, the others greys. */
function paletteColor(n: number): string {
  if (n >= 232) return `rgb(${grey(n)} ${grey(n)} ${grey(n)})`;
  const side = (value: number) => (value === 0 ? 0 : 55 + 40 * value);
  const index = n - 16;
  return `rgb(${side(Math.floor(index / 36))} ${side(Math.floor(index / 6) % 6)} ${side(index % 6)})`;
}

function grey(n: number): number {
  return 8 + (n - 232) * 10;
}
