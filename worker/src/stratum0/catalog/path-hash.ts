import { hash } from 'node:crypto';
import { type BytePath, toBytes } from '../byte-path.ts';

/** The key of a row: the MD5 of a path, as the two signed integers that SQLite can hold. */
export interface PathHash {
  readonly first: bigint;
  readonly second: bigint;
}

/** The parent of the repository's root, which has none. */
export const NO_PARENT: PathHash = { first: 0n, second: 0n };

/** The paths asked for last: a row's own and its directory's are needed again and again. */
const RECENT = 64;
const recent = new Map<BytePath, PathHash>();

/**
 * MD5 of the absolute path within the repository (the root is the empty string), halved; each half is read little-endian
 * (CernVM-FS technical documentation, "File Catalog"; the byte order is that of the stock tools on x86).
 */
export function hashPath(path: BytePath): PathHash {
  const known = recent.get(path);
  if (known !== undefined) return known;
  const { buffer, byteOffset } = hash('md5', toBytes(path === '' ? '' : `/${path}`), 'buffer');
  const digest = new DataView(buffer, byteOffset);
  const found = { first: digest.getBigInt64(0, true), second: digest.getBigInt64(8, true) };
  if (recent.size >= RECENT) recent.clear();
  recent.set(path, found);
  return found;
}
