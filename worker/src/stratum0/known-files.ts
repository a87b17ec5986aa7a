import type { BigIntStats } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { asText, type BytePath, bytePath } from './byte-path.ts';
import type { Context } from './context.ts';
import { replaceFile } from './disk.ts';
import type { RepositoryPaths } from './paths.ts';

/** What the file system said of an entry when it was last read or restored. */
export type FileStamp = string;

/** Changes whenever content, size, mode, owner or name of a file could have changed. */
export function fileStamp(stat: BigIntStats): FileStamp {
  return `${stat.ino} ${stat.size} ${stat.mode} ${stat.mtimeNs} ${stat.ctimeNs}`;
}

/**
 * A file that was changed so shortly before it was read could be changed again without a new time stamp (they tick at
 * a few milliseconds): it is read again by the next publish. The same trap as Git's "racy" index entries.
 */
const RACY_NS = 100_000_000n;

export function isRacy(stat: BigIntStats, nowMs: number): boolean {
  return BigInt(Math.round(nowMs)) * 1_000_000n - stat.ctimeNs < RACY_NS;
}

/**
 * The stamps of the mount tree as of one snapshot, so that a publish reads only changed files. Only a cache: one that
 * belongs to another snapshot, or cannot be read, counts as empty.
 */
export async function readKnownFiles(paths: RepositoryPaths, root: string): Promise<Map<BytePath, FileStamp>> {
  const known = new Map<BytePath, FileStamp>();
  let lines: string[];
  try {
    lines = (await readFile(paths.knownFiles, 'utf8')).split('\n');
  } catch {
    return known;
  }
  if (lines[0] !== root) return known;
  for (const line of lines.slice(1)) {
    const tab = line.indexOf('\t');
    if (tab > 0) known.set(bytePath(JSON.parse(line.slice(tab + 1))), line.slice(0, tab));
  }
  return known;
}

/** Names that are not UTF-8 are left out: they are read each time. */
export async function writeKnownFiles(
  context: Context,
  paths: RepositoryPaths,
  root: string,
  stamps: ReadonlyMap<BytePath, FileStamp>,
): Promise<void> {
  const lines = [root];
  for (const [path, stamp] of stamps) {
    const text = asText(path);
    if (text !== null) lines.push(`${stamp}\t${JSON.stringify(text)}`);
  }
  await replaceFile(context.disk, paths.knownFiles, `${paths.knownFiles}.new`, Buffer.from(lines.join('\n')));
}
