import type { Context } from '../context.ts';
import { closeTransaction, existingRepository, openServed, openTransactionOf } from '../repository.ts';
import { withRepositoryLock } from '../transaction/lock.ts';
import { closeCutOffPublish } from '../transaction/recovery.ts';
import { restoreTree } from '../transaction/restore.ts';

/**
 * Discards a transaction: the mount tree becomes what is published. Throws `no_transaction`. The transaction ends last,
 * so an abort that dies is simply done again.
 */
export async function abort(context: Context, name: string): Promise<void> {
  const paths = existingRepository(context, name);
  await withRepositoryLock(context, paths, async () => {
    if ((await closeCutOffPublish(context, paths)) !== null) return;
    await openTransactionOf(paths);
    const published = await openServed(context, paths);
    const repaired = await restoreTree(context, paths, published);
    await closeTransaction(context, paths);
    context.say(
      `Aborted the transaction on ${name}: ${repaired} entries put back, revision ${published.manifest.revision} stays`,
    );
  });
}
