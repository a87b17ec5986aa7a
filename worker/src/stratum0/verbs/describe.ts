import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Context } from '../context.ts';
import { Stratum0Error } from '../errors.ts';
import type { RepositoryPaths } from '../paths.ts';
import { existingRepository, openServed, repositoryNames } from '../repository.ts';
import { describeTransaction, readTransaction } from '../transaction/transaction.ts';
import { readPublicKey } from '../trust/keys.ts';
import { decodeWhitelist } from '../trust/whitelist.ts';

/** One line a repository, as `cvmfs_server list` words it. */
export async function listRepositories(context: Context): Promise<void> {
  for (const name of repositoryNames(context)) context.say(`${name} (stratum0 / local${await stateOf(context, name)})`);
}

/** One that is not in order leaves the others to be listed. */
async function stateOf(context: Context, name: string): Promise<string> {
  try {
    const paths = existingRepository(context, name);
    const transaction = (await readTransaction(paths)) === null ? '' : ' - in transaction';
    return `${transaction}${await whitelistState(context, paths)}`;
  } catch (error) {
    if (error instanceof Stratum0Error) return ` - ${error.code}`;
    throw error;
  }
}

async function whitelistState(context: Context, paths: RepositoryPaths): Promise<string> {
  try {
    const whitelist = decodeWhitelist(
      await readFile(paths.whitelist),
      await readPublicKey(paths.publicKey),
      paths.whitelist,
    );
    return whitelist.expiresAt <= context.now() ? ' - whitelist expired' : '';
  } catch {
    return ' - whitelist unreachable';
  }
}

/** What a repository is at now, verified. */
export async function describeRepository(context: Context, name: string): Promise<void> {
  const paths = existingRepository(context, name);
  const { manifest, whitelist } = await openServed(context, paths);
  const transaction = await readTransaction(paths);
  const daysLeft = Math.floor((whitelist.expiresAt - context.now()) / 86_400_000);
  const lines = {
    'Repository name': name,
    Revision: manifest.revision,
    'Root hash': manifest.root,
    Published: new Date(manifest.publishedAt * 1000).toISOString(),
    'Whitelist expires': `${new Date(whitelist.expiresAt).toISOString()} (in ${daysLeft} days)`,
    'Mounted at': paths.mount,
    'Served from': join(paths.served),
    'Public key': paths.publicKey,
    Transaction: transaction === null ? 'none' : describeTransaction(transaction),
  };
  for (const [label, value] of Object.entries(lines)) context.say(`${label}: ${value}`);
}

/** Tags, newest first: name, root hash, revision, time, description, tab-separated. */
export async function listTags(context: Context, name: string): Promise<void> {
  const published = await openServed(context, existingRepository(context, name));
  for (const tag of await published.tags()) {
    const at = new Date(tag.publishedAt * 1000).toISOString();
    context.say([tag.name, tag.root, tag.revision, at, tag.description].join('\t'));
  }
}
