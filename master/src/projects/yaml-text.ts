import { type Document, isMap, isNode, isPair, isScalar, LineCounter, type Node, parseDocument, visit } from 'yaml';
import type { z } from 'zod';
import { describeIssue } from '../config/problems.ts';

/** A text of YAML as data, that knows where in it a value stands. */
export interface YamlText {
  readonly value: unknown;
  /** Line, from 1, of a value or of the key that an unknown option is; of what is around it where there is none. */
  lineOf(path: readonly PropertyKey[]): number;
}

/** A mistake of the text itself. */
export interface YamlMistake {
  readonly line: number;
  readonly message: string;
}

/** Aliases that a text may follow: few are useful, and a thousand of them make gigabytes of a page. */
const MOST_ALIASES = 50;

/** Reads YAML 1.2, one document, as data only. */
export function readYaml(text: string): YamlText | { readonly mistakes: readonly YamlMistake[] } {
  const lines = new LineCounter();
  // The parser would hold each key against all others of its map: for minutes, with as many as a file may have.
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: false, prettyErrors: false });
  const lineAt = (offset: number) => Math.max(1, lines.linePos(offset).line);
  const errors = [...document.errors, ...repeatedKeys(document)];
  if (errors.length > 0) return { mistakes: errors.map(({ pos, message }) => ({ line: lineAt(pos[0]), message })) };
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: MOST_ALIASES });
  } catch (error) {
    return { mistakes: [{ line: 1, message: error instanceof Error ? error.message : String(error) }] };
  }
  return { value, lineOf: (path) => lineAt(offsetOf(document.contents, path)) };
}

function repeatedKeys(document: Document): { pos: [number]; message: string }[] {
  const repeated: { pos: [number]; message: string }[] = [];
  visit(document, {
    Map(_key, { items }) {
      const keys = new Set<unknown>();
      for (const { key } of items) {
        const value = isScalar(key) ? key.value : key;
        if (keys.has(value))
          repeated.push({ pos: [startOf(key) ?? 0], message: `the key ${JSON.stringify(value)} is there twice` });
        keys.add(value);
      }
    },
  });
  return repeated;
}

/** What a schema has against a text: `LINE: option "…": …`. */
export function issueIn({ value, lineOf }: YamlText, issue: z.core.$ZodIssue): string {
  const keys = issue.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : [];
  return `${lineOf([...issue.path, ...keys])}: ${describeIssue(issue, value)}`;
}

function offsetOf(contents: unknown, path: readonly PropertyKey[]): number {
  let [node, offset] = [contents, startOf(contents) ?? 0];
  for (const key of path) {
    const [at, next] = child(node, key);
    if (at === null) break;
    [node, offset] = [next, at];
  }
  return offset;
}

/** Where a key or element stands, and its value. */
function child(node: unknown, key: PropertyKey): [number | null, unknown] {
  if (isMap(node)) {
    const pair = node.items.find((item) => isPair(item) && String(item.key) === String(key));
    return pair === undefined ? [null, null] : [startOf(pair.key), pair.value];
  }
  const value = isNode(node) && 'items' in node && Array.isArray(node.items) ? node.items[Number(key)] : undefined;
  return [startOf(value), value];
}

function startOf(node: unknown): number | null {
  return isNode(node) ? ((node as Node).range?.[0] ?? null) : null;
}
