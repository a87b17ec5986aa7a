import { addCounters } from '../catalog/counters.ts';
import { CatalogForest } from '../catalog/forest.ts';
import type { Context } from '../context.ts';
import { rolledBackHistory } from '../history/history.ts';
import { algorithmOf } from '../objects/hashes.ts';
import { objectStore } from '../objects/object-store.ts';
import {
  closeTransaction,
  currentManifest,
  existingRepository,
  keyOfManifest,
  MOUNT_OPEN,
  openServed,
} from '../repository.ts';
import { withRepositoryLock } from '../transaction/lock.ts';
import { closeCutOffPublish } from '../transaction/recovery.ts';
import { restoreTree } from '../transaction/restore.ts';
import { commitRevision, nextStorage, readTags } from '../transaction/revision.ts';
import { newTransaction, writeTransaction } from '../transaction/transaction.ts';
import { catalogLoader } from '../tree/mirror.ts';
import { findTag, refuseInTransaction } from './tags.ts';

/**
 * Publishes an older revision again, as the newest one, and makes the mount tree like it. Its tag moves to the new revision,
 * tags of the revisions between are removed. One that dies after its manifest is in place is finished by the next command.
 * Throws `no_tag` or `in_transaction`.
 */
export async function rollback(context: Context, name: string, tagName: string): Promise<void> {
  const paths = existingRepository(context, name);
  await withRepositoryLock(context, paths, async () => {
    await closeCutOffPublish(context, paths);
    await refuseInTransaction(paths);
    await openServed(context, paths);
    const before = await currentManifest(paths);
    // Without the key nothing is begun that would have to be aborted.
    await keyOfManifest(paths, before);
    const target = findTag(await readTags(paths, before), tagName);
    const reference = { hash: target.root, sizeBytes: target.rootSizeBytes };
    const load = catalogLoader(paths);
    const catalog = load('', reference);
    const { self, subtree } = catalog.counts();
    const nested = [...catalog.nested()].map(([path, below]) => ({ path, below, counts: countsOf(load(path, below)) }));
    catalog.close();
    const forest = new CatalogForest(
      new Map([
        ['', { ...reference, total: addCounters(self, subtree) }],
        ...nested.map(({ path, below, counts }) => [path, { ...below, total: counts }] as const),
      ]),
      load,
    );
    try {
      await writeTransaction(context, paths, { ...newTransaction(context, ''), restores: true });
      await context.disk.setMode(paths.mount, MOUNT_OPEN);
      const store = objectStore(context.disk, paths.served, paths.unsettled, algorithmOf(before.root));
      const { manifest } = await commitRevision(context, paths, {
        forest,
        store,
        storage: nextStorage(context, store, before),
        advance: (tags, newest) => rolledBackHistory(tags, newest, target),
      });
      await restoreTree(context, paths, await openServed(context, paths));
      await closeTransaction(context, paths);
      context.say(
        `Rolled ${name} back to ${tagName} (revision ${target.revision}): it is revision ${manifest.revision} now`,
      );
    } finally {
      forest.close();
    }
  });
}

function countsOf(catalog: ReturnType<ReturnType<typeof catalogLoader>>) {
  const { self, subtree } = catalog.counts();
  catalog.close();
  return addCounters(self, subtree);
}
