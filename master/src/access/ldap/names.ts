/** What outsiders type goes into filters and names of entries as data only. */

/** A filter with values put in, escaped as RFC 4515, section 3, says. */
export function filterOf(template: string, values: Readonly<Record<string, string>>): string {
  return filled(template, values, (value) => value.replace(/[\\*()\0]/g, hexOf));
}

/** The name of an entry with values put in, escaped as RFC 4514, section 2.4, says (more than it has to be). */
export function entryNameOf(template: string, values: Readonly<Record<string, string>>): string {
  return filled(template, values, (value) => value.replace(/[\\"#+,;<=>\0]|^ | $/g, hexOf));
}

function filled(
  template: string,
  values: Readonly<Record<string, string>>,
  escaped: (value: string) => string,
): string {
  // One pass: what a value holds is no place for another.
  return template.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    return value === undefined ? whole : escaped(value);
  });
}

function hexOf(character: string): string {
  return `\\${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
}

/** One part of an entry's name: `cn=ops`. */
interface Part {
  readonly attribute: string;
  readonly value: string;
}

/** The parts of an entry's name, the innermost first; null for what is none. */
export function partsOf(entryName: string): Part[] | null {
  const parts: Part[] = [];
  let read = 0;
  for (const text of entryName.matchAll(/((?:\\.|[^\\,;])+)(?:[,;]|$)/gsy)) {
    read += text[0].length;
    const [, attribute = '', value = ''] = /^ *([\w.-]+) *= *(.*)$/s.exec(text[1] ?? '') ?? [];
    if (attribute === '') return null;
    parts.push({ attribute: attribute.toLowerCase(), value: plain(value) });
  }
  return read === entryName.length && read > 0 ? parts : null;
}

function plain(value: string): string {
  const bytes: Buffer[] = [];
  // Escaped bytes are of UTF-8, so they are put together before they are read.
  for (const [, hex, other, text] of value.replace(/(?<!\\) +$/, '').matchAll(/\\([0-9a-f]{2})|\\(.)|([^\\]+)/gis))
    bytes.push(hex === undefined ? Buffer.from(other ?? text ?? '') : Buffer.from(hex, 'hex'));
  return Buffer.concat(bytes).toString();
}

/** The name of a group: the innermost part of its entry's name, where that is below a place; else null. */
export function groupBelow(entryName: string, place: string): string | null {
  const [parts, base] = [partsOf(entryName), partsOf(place)];
  if (parts === null || base === null || parts.length <= base.length) return null;
  const end = parts.slice(-base.length);
  const isBelow = end.every((part, i) => part.attribute === base[i]?.attribute && isSame(part.value, base[i]?.value));
  return isBelow ? (parts[0]?.value ?? null) : null;
}

function isSame(a: string, b: string | undefined): boolean {
  return a.toLowerCase() === b?.toLowerCase();
}
