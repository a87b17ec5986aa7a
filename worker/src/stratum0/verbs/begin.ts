import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Context } from '../context.ts';
import { removeIfThere } from '../disk.ts';
import { Stratum0Error } from '../errors.ts';
import type { RepositoryPaths } from '../paths.ts';
import { existingRepository, keyOfManifest, MOUNT_OPEN, openServed } from '../repository.ts';
import { withRepositoryLock } from '../transaction/lock.ts';
import { closeCutOffPublish } from '../transaction/recovery.ts';
import { describeTransaction, newTransaction, readTransaction, writeTransaction } from '../transaction/transaction.ts';
import { WHITELIST_WARNING_MS } from '../trust/whitelist.ts';

/**
 * Opens a transaction on the repository, or on a path of it. Throws `in_transaction` (saying whose), `busy`,
 * `whitelist_expired`, or `bad_key` where what it publishes could not be signed.
 */
export async function beginTransaction(context: Context, name: string, path: string): Promise<void> {
  const paths = existingRepository(context, name);
  await withRepositoryLock(context, paths, async () => {
    await closeCutOffPublish(context, paths);
    const open = await readTransaction(paths);
    if (open !== null)
      throw new Stratum0Error(
        'in_transaction',
        `Repository ${name} is already in a transaction: ${describeTransaction(open)}. "abort -f ${name}" discards it`,
      );
    const { whitelist, manifest } = await openServed(context, paths);
    await keyOfManifest(paths, manifest);
    const left = whitelist.expiresAt - context.now();
    if (left < WHITELIST_WARNING_MS) context.say('Warning: Repository whitelist stays valid for less than 12 hours!');
    await removeLeftovers(context, paths);
    await writeTransaction(context, paths, newTransaction(context, path));
    await context.disk.setMode(paths.mount, MOUNT_OPEN);
  });
  context.say(
    `Opened a transaction on ${name}${path === '' ? '' : `/${path}`}: change ${paths.mount}, then publish or abort`,
  );
}

/** Files that a publish was writing when it died. */
async function removeLeftovers(context: Context, paths: RepositoryPaths): Promise<void> {
  const directory = join(paths.served, 'data', 'txn');
  for (const { name } of readdirSync(directory, { withFileTypes: true }).filter((one) => !one.isDirectory()))
    await removeIfThere(context.disk, join(directory, name));
}
