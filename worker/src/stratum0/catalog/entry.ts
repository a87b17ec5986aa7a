import type { BytePath } from '../byte-path.ts';
import type { AttributeList } from './xattrs.ts';

/** A piece of a large file, stored as an object of its own. */
export interface Chunk {
  readonly offset: number;
  readonly sizeBytes: number;
  readonly hash: string;
}

/** One name in a catalog. */
export interface CatalogEntry {
  /** Below the repository's root; the root itself is the empty path. */
  readonly path: BytePath;
  readonly type: 'file' | 'directory' | 'symlink';
  /** Permission bits, with set-user-id, set-group-id and sticky. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Of a file; of a symbolic link, the length of its target; {@link DIRECTORY_SIZE} for a directory. */
  readonly sizeBytes: number;
  /** Seconds since the epoch. */
  readonly mtime: number;
  /** The part below a second, where the repository keeps it (the stock tools do so only on request). */
  readonly mtimeNanoseconds: number | null;
  /** The object with a file's content; null for a file in chunks, and for all that is not a file. */
  readonly hash: string | null;
  /** In the order of their offsets; empty unless the file is chunked. */
  readonly chunks: readonly Chunk[];
  /** Of a symbolic link. */
  readonly target: BytePath | null;
  /** Extended attributes; null: none. */
  readonly attributes: AttributeList | null;
  /** Names of this file in its directory; of a directory: two and one for each directory in it. */
  readonly linkCount: number;
  /** Files of one directory with the same number, not 0, are hard links of each other. */
  readonly linkGroup: number;
  /** `transition`: a nested catalog begins here; `root`: the same directory as that catalog has it. */
  readonly border: 'none' | 'transition' | 'root';
}

/**
 * Size given to every directory: what ext4 and overlay say of a small one. The size of a directory tells only of the
 * file system it lay on, so the same tree gives the same catalog everywhere.
 */
export const DIRECTORY_SIZE = 4096;

/** Whether both say the same of the same path. Link groups are numbers of a catalog: only having one or not counts. */
export function sameEntry(a: CatalogEntry, b: CatalogEntry): boolean {
  const isSame =
    a.type === b.type &&
    a.mode === b.mode &&
    a.uid === b.uid &&
    a.gid === b.gid &&
    a.mtime === b.mtime &&
    a.mtimeNanoseconds === b.mtimeNanoseconds &&
    a.sizeBytes === b.sizeBytes &&
    a.hash === b.hash &&
    a.target === b.target &&
    a.attributes === b.attributes &&
    a.linkCount === b.linkCount;
  return isSame && (a.linkGroup === 0) === (b.linkGroup === 0) && sameChunks(a.chunks, b.chunks);
}

function sameChunks(a: readonly Chunk[], b: readonly Chunk[]): boolean {
  if (a.length !== b.length) return false;
  return a.every((chunk, i) => chunk.hash === b[i]?.hash && chunk.offset === b[i]?.offset);
}

/** By the bytes of the paths: a directory comes before what is in it. */
export function comparePaths(a: { readonly path: BytePath }, b: { readonly path: BytePath }): number {
  if (a.path === b.path) return 0;
  return a.path < b.path ? -1 : 1;
}
