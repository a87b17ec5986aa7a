import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { PublishedEntry } from '@icefall/worker/stratum0/published';

/** Every name at and below a path of a tree on disk: type, mode, and what it holds. */
export function describeTree(root: string, path: string): Map<string, string> {
  const stat = lstatSync(join(root, path));
  const type = stat.isDirectory() ? 'directory' : stat.isSymbolicLink() ? 'symlink' : 'file';
  const content = type === 'file' ? readFileSync(join(root, path)) : null;
  const target = type === 'symlink' ? readlinkSync(join(root, path)) : null;
  const found = new Map([[path, describeEntry({ type, mode: stat.mode & 0o7777, content, target })]]);
  if (type !== 'directory') return found;
  for (const name of readdirSync(join(root, path)))
    for (const [below, description] of describeTree(root, `${path}/${name}`)) found.set(below, description);
  return found;
}

/** The same for a name of a published tree. */
export function describeEntry(entry: Pick<PublishedEntry, 'type' | 'mode' | 'content' | 'target'>): string {
  const holds =
    entry.content === null
      ? (entry.target ?? '')
      : `${entry.content.length} ${createHash('sha256').update(entry.content).digest('hex')}`;
  return `${entry.type} ${entry.mode.toString(8)} ${holds}`.trimEnd();
}
