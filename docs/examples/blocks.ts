import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where the pages are. */
export const DOCS = join(import.meta.dirname, '..');
export const EXAMPLES = import.meta.dirname;

/** A fenced block of TypeScript in a page: ` ```ts examples/small.ts ` or ` ```ts examples/steps.ts#shell `. */
export interface Block {
  /** Of its first line of text, from 1. */
  readonly line: number;
  /** File and region, as the page names them; empty where it names none. */
  readonly source: string;
  readonly text: string;
}

const BLOCK = /^```ts(?: (\S+))?\n([\s\S]*?)^```$/gm;

/** The blocks of TypeScript in a page. */
export function blocksOf(page: string): Block[] {
  return [...page.matchAll(BLOCK)].map(({ index, 1: source = '', 2: text = '' }) => ({
    line: page.slice(0, index).split('\n').length + 1,
    source,
    text,
  }));
}

/** A page with every block that names a file filled with that file's text. */
export function filled(page: string): string {
  return page.replace(BLOCK, (block, source: string | undefined) =>
    source === undefined ? block : `\`\`\`ts ${source}\n${textOf(source)}\`\`\``,
  );
}

/** The text of a file below `docs`, or of the region `// #region NAME` of it. Throws where there is none. */
export function textOf(source: string): string {
  const [path = '', region] = source.split('#');
  const lines = readFileSync(join(DOCS, path), 'utf8').split('\n');
  if (region === undefined) return lines.filter((line) => !isMark(line)).join('\n');
  const first = lines.indexOf(`// #region ${region}`);
  const last = lines.indexOf('// #endregion', first);
  if (first === -1 || last === -1) throw new Error(`${path} has no region "${region}"`);
  return `${lines.slice(first + 1, last).join('\n')}\n`;
}

function isMark(line: string): boolean {
  return /^\/\/ #(region|endregion)/.test(line);
}

/** The text of the first fenced block of text below a line of a page. */
export function blockAfter(page: string, line: string): string | null {
  const below = page.slice(page.indexOf(line));
  return /^```text\n([\s\S]*?)^```$/m.exec(below)?.[1] ?? null;
}
