import type { BytePath } from '../byte-path.ts';
import { Stratum0Error } from '../errors.ts';

/** Extended attributes of a file: names and values of any bytes, one character each. */
export type Attributes = ReadonlyMap<string, string>;

/** As a catalog holds them: one character a byte. */
export type AttributeList = string;

/** The form that all clients read; a later one has room for longer values, which older clients do not show. */
const VERSION = 1;
const MOST_BYTES = 255;
const MOST_ATTRIBUTES = 255;

/**
 * The column `xattr`: a byte for the version, one for the number of attributes, then for each a byte for the length of its
 * name, one for that of its value, name and value; in the order of the names (no document says so: it is what the stock
 * tools write). Null where there are none. `left` is told of what does not fit in: names and values of more than 255 bytes.
 */
export function encodeAttributes(attributes: Attributes, left: (name: string) => void): AttributeList | null {
  const fitting = [...attributes].filter(([name, value]) => name.length <= MOST_BYTES && value.length <= MOST_BYTES);
  const kept = fitting.sort(([a], [b]) => (a < b ? -1 : 1)).slice(0, MOST_ATTRIBUTES);
  const names = new Set(kept.map(([name]) => name));
  for (const name of attributes.keys()) if (!names.has(name)) left(name);
  if (kept.length === 0) return null;
  const parts = kept.map(([name, value]) => `${String.fromCharCode(name.length, value.length)}${name}${value}`);
  return `${String.fromCharCode(VERSION, kept.length)}${parts.join('')}`;
}

/** Reads the list, in the form with long values too. Throws `damaged_object`; `path` is whose they are. */
export function decodeAttributes(list: AttributeList, path: BytePath): Attributes {
  const version = list.charCodeAt(0);
  const header = version === VERSION ? 2 : 3;
  const attributes = new Map<string, string>();
  let at = 2;
  for (let i = 0; i < list.charCodeAt(1); i += 1) {
    const nameLength = list.charCodeAt(at);
    const valueLength = list.charCodeAt(at + 1) + (header === 3 ? list.charCodeAt(at + 2) * 256 : 0);
    const name = list.slice(at + header, at + header + nameLength);
    at += header + nameLength + valueLength;
    attributes.set(name, list.slice(at - valueLength, at));
  }
  if ((version !== VERSION && version !== 2) || at !== list.length)
    throw new Stratum0Error('damaged_object', `the extended attributes of "${path}" cannot be read`);
  return attributes;
}
