/**
 * A value as text, without the line break that a file of one line ends in. Null: it is no text that a variable
 * could hold.
 */
export function secretText(value: Buffer): string | null {
  const text = value.toString('utf8');
  return !text.includes('\0') && Buffer.from(text).equals(value) ? text.replace(/\r?\n$/, '') : null;
}
