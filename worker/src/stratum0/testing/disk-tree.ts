import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync, type Stats } from 'node:fs';
import type { ReadEntry } from './reader/repository.ts';

/** What the reader has to find of a tree on disk; groups of hard links by the first of their names. */
export function entriesOnDisk(root: string): Map<string, ReadEntry> {
  const entries = new Map<string, ReadEntry>();
  const at = (path: string) => Buffer.from(`${Buffer.from(root).toString('latin1')}/${path}`, 'latin1');
  const visit = (directory: string): number => {
    const found = readdirSync(at(directory), { encoding: 'latin1' }).map((name): [string, Stats] => {
      const path = directory === '' ? name : `${directory}/${name}`;
      return [path, lstatSync(at(path))];
    });
    const names = Map.groupBy(
      found.filter(([, stat]) => stat.isFile()),
      ([, stat]) => stat.ino,
    );
    for (const [path, stat] of found) {
      const same = names.get(stat.ino)?.map(([name]) => name) ?? [path];
      const base = {
        path,
        mode: stat.mode & 0o7777,
        uid: stat.uid,
        gid: stat.gid,
        size: stat.size,
        mtime: Math.floor(stat.mtimeMs / 1000),
        links: stat.isFile() ? same.length : 1,
        linkedAs: stat.isFile() && same.length > 1 ? (same.toSorted()[0] ?? null) : null,
        target: null,
        content: null,
      };
      if (stat.isDirectory()) entries.set(path, { ...base, type: 'd', size: 4096, links: 2 + visit(path) });
      else if (stat.isSymbolicLink())
        entries.set(path, { ...base, type: 'l', target: readlinkSync(at(path), { encoding: 'latin1' }) });
      else {
        const content = createHash('sha1')
          .update(readFileSync(at(path)))
          .digest('hex');
        entries.set(path, { ...base, type: 'f', content });
      }
    }
    return found.filter(([, stat]) => stat.isDirectory()).length;
  };
  visit('');
  return entries;
}

/** Names groups of hard links by the first of their names, and leaves the root out. */
export function withNamedLinks(entries: ReadonlyMap<string, ReadEntry>): Map<string, ReadEntry> {
  const groups = Map.groupBy(entries.values(), ({ linkedAs }) => linkedAs);
  const named = [...entries.values()].map((entry): [string, ReadEntry] => {
    const names = entry.linkedAs === null ? [] : (groups.get(entry.linkedAs) ?? []).map(({ path }) => path);
    return [entry.path, { ...entry, linkedAs: names.toSorted()[0] ?? null }];
  });
  return new Map(named.filter(([path]) => path !== ''));
}
