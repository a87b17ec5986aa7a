import { forPeople } from '../byte-path.ts';
import { type CatalogEntry, comparePaths, sameEntry } from '../catalog/entry.ts';
import type { Context } from '../context.ts';
import { existingRepository, openServed } from '../repository.ts';
import { findTag } from './tags.ts';

/** Says what is different between the revisions of two tags, a path a line: `+` added, `-` removed, `M` changed. */
export async function diff(context: Context, name: string, from: string, to: string): Promise<void> {
  const published = await openServed(context, existingRepository(context, name));
  const tags = await published.tags();
  const entriesOf = async (tag: string): Promise<Map<string, CatalogEntry>> => {
    const { root, rootSizeBytes } = findTag(tags, tag);
    const entries = await published.entries({ hash: root, sizeBytes: rootSizeBytes });
    return new Map(entries.map((entry) => [entry.path, entry]));
  };
  const before = await entriesOf(from);
  const after = await entriesOf(to);
  const lines = [...new Map([...before, ...after]).values()].sort(comparePaths).flatMap(({ path }) => {
    const old = before.get(path);
    const now = after.get(path);
    if (old !== undefined && now !== undefined && sameEntry(old, now)) return [];
    return [`${old === undefined ? '+' : now === undefined ? '-' : 'M'} /${forPeople(path)}`];
  });
  for (const line of lines) context.say(line);
}
