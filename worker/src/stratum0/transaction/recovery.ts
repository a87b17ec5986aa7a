import type { Context } from '../context.ts';
import { restoreReflog } from '../history/reflog.ts';
import type { RepositoryPaths } from '../paths.ts';
import { closeTransaction, currentManifest, openServed } from '../repository.ts';
import { restoreTree } from './restore.ts';
import { readTransaction } from './transaction.ts';

/**
 * Ends a transaction whose publish died after it had replaced the manifest. Says which revision that was; null where
 * there is nothing of the kind. Of one that died just before, it takes the reflog back.
 */
export async function closeCutOffPublish(context: Context, paths: RepositoryPaths): Promise<number | null> {
  const manifest = await currentManifest(paths);
  if (manifest.reflog !== null) await restoreReflog(context, paths, manifest.reflog);
  const transaction = await readTransaction(paths);
  const target = transaction?.published ?? null;
  if (target === null) return null;
  if (manifest.root !== target.root || manifest.revision !== target.revision) return null;
  if (transaction?.restores === true) await restoreTree(context, paths, await openServed(context, paths));
  await closeTransaction(context, paths);
  context.say(
    `The last publish of ${paths.name} was cut off after revision ${target.revision} was in place; it is complete`,
  );
  return target.revision;
}
