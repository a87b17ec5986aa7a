import type { Context } from '../context.ts';
import { Stratum0Error } from '../errors.ts';
import { checkNewTag, encodeHistory, type Tag, TRUNK, TRUNK_PREVIOUS } from '../history/history.ts';
import { algorithmOf } from '../objects/hashes.ts';
import { objectStore } from '../objects/object-store.ts';
import type { RepositoryPaths } from '../paths.ts';
import { currentManifest, existingRepository, openServed } from '../repository.ts';
import { withRepositoryLock } from '../transaction/lock.ts';
import { closeCutOffPublish } from '../transaction/recovery.ts';
import { putManifest, readTags } from '../transaction/revision.ts';
import { describeTransaction, readTransaction } from '../transaction/transaction.ts';

/** The tag of a name. Throws `no_tag`. */
export function findTag(tags: readonly Tag[], name: string): Tag {
  const tag = tags.find((candidate) => candidate.name === name);
  if (tag === undefined) throw new Stratum0Error('no_tag', `there is no tag "${name}"; tag -l lists them`);
  return tag;
}

/** Throws `in_transaction`: what changes a repository as a whole waits for the end of what somebody else does to it. */
export async function refuseInTransaction(paths: RepositoryPaths): Promise<void> {
  const open = await readTransaction(paths);
  if (open !== null)
    throw new Stratum0Error(
      'in_transaction',
      `Repository ${paths.name} is in a transaction: ${describeTransaction(open)}. Publish or abort it first`,
    );
}

/** Names the current revision. Throws `tag_exists`, `usage` (a name that cannot be), `in_transaction`. */
export async function addTag(context: Context, name: string, tag: string, description: string): Promise<void> {
  await changeTags(context, name, (tags) => {
    checkNewTag(tags, tag);
    return [...tags, { ...findTag(tags, TRUNK), name: tag, description }];
  });
  context.say(`Tagged ${name}: ${tag}`);
}

/** Takes a name away; the revision's data stays until garbage is collected. Throws `no_tag`, `usage`, `in_transaction`. */
export async function removeTag(context: Context, name: string, tag: string): Promise<void> {
  if (tag === TRUNK || tag === TRUNK_PREVIOUS)
    throw new Stratum0Error('usage', `the tag ${tag} is the repository's own and cannot be removed`);
  await changeTags(context, name, (tags) => tags.filter((candidate) => candidate !== findTag(tags, tag)));
  context.say(`Removed the tag ${tag} of ${name}`);
}

/** Puts another history in place, under the same revision. */
async function changeTags(context: Context, name: string, change: (tags: Tag[]) => Tag[]): Promise<void> {
  const paths = existingRepository(context, name);
  await withRepositoryLock(context, paths, async () => {
    await closeCutOffPublish(context, paths);
    await refuseInTransaction(paths);
    await openServed(context, paths);
    const manifest = await currentManifest(paths);
    const store = objectStore(context.disk, paths.served, paths.unsettled, algorithmOf(manifest.root));
    const tags = change(await readTags(paths, manifest));
    const history = await store.put(encodeHistory(name, tags, manifest.history), 'H');
    await store.settle();
    await putManifest(context, paths, { ...manifest, history });
  });
}
