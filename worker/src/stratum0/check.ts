import { forPeople } from './byte-path.ts';
import type { Context } from './context.ts';
import { Stratum0Error } from './errors.ts';
import { readObject } from './object-store.ts';
import { existingRepository, openServed } from './repository.ts';

/** Problems told one by one; the rest are only counted. */
const PROBLEMS_SHOWN = 50;

/**
 * Verifies everything that the manifest leads to: signatures, listing, history, every object's hash and size. Throws
 * `check_failed` after all problems have been told, or the error of a manifest, whitelist or listing that cannot be used.
 */
export async function checkRepository(context: Context, name: string): Promise<void> {
  const paths = existingRepository(context, name);
  const published = await openServed(context, paths);
  await published.tags();
  const entries = await published.entries();
  const seen = new Set<string>();
  let problems = 0;
  for (const entry of entries) {
    if (entry.hash === null || seen.has(`${entry.hash} ${entry.sizeBytes}`)) continue;
    seen.add(`${entry.hash} ${entry.sizeBytes}`);
    try {
      await published.content(entry);
    } catch (error) {
      if (!(error instanceof Stratum0Error)) throw error;
      problems += 1;
      if (problems <= PROBLEMS_SHOWN) context.say(`${forPeople(entry.path)}: ${error.message}`);
    }
  }
  for (const tag of await published.tags()) await readObject(paths.served, tag.root, 'C');
  if (problems > 0)
    throw new Stratum0Error('check_failed', `${name}: ${problems} of ${seen.size} objects are missing or damaged`);
  context.say(
    `${name}: no problems found (revision ${published.manifest.revision}, ${entries.length} entries, ${seen.size} objects)`,
  );
}
