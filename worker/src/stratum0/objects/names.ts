/**
 * What an object is, by the letter after its hash: C a file catalog, X a certificate, H a history, M the repository's
 * description, P a part of a chunked file; none for a file's whole content.
 */
export type ObjectSuffix = '' | 'C' | 'X' | 'H' | 'M' | 'P';

/** Path of an object below what is served: in 256 directories by the first byte of its hash. */
export function objectName(hash: string, suffix: ObjectSuffix): string {
  return `data/${hash.slice(0, 2)}/${hash.slice(2)}${suffix}`;
}
