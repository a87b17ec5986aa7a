import { isMap, isNode, isPair, LineCounter, type Node, parseDocument } from 'yaml';

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
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, prettyErrors: false });
  const lineAt = (offset: number) => Math.max(1, lines.linePos(offset).line);
  if (document.errors.length > 0)
    return { mistakes: document.errors.map(({ pos, message }) => ({ line: lineAt(pos[0]), message })) };
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: MOST_ALIASES });
  } catch (error) {
    return { mistakes: [{ line: 1, message: error instanceof Error ? error.message : String(error) }] };
  }
  return { value, lineOf: (path) => lineAt(offsetOf(document.contents, path)) };
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
