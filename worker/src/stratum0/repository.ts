import type { KeyObject } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Context } from './context.ts';
import { replaceFile } from './disk.ts';
import { Stratum0Error } from './errors.ts';
import { readObject } from './objects/object-store.ts';
import { type RepositoryPaths, repositoryPaths } from './paths.ts';
import { openPublished, type Published } from './published.ts';
import { withRepositoryLock } from './transaction/lock.ts';
import { readTransaction, removeTransaction, type Transaction } from './transaction/transaction.ts';
import { manifestKey, readCertificate, readPublicKey, whitelistKey } from './trust/keys.ts';
import { decodeManifest, encodeManifest, type Manifest } from './trust/manifest.ts';
import { encodeWhitelist } from './trust/whitelist.ts';

/** Mode of the mount's root in a transaction and outside of one. It only reminds people; root can write anyway. */
export const MOUNT_OPEN = 0o755;
export const MOUNT_CLOSED = 0o555;
const DAY_MS = 86_400_000;
const BRING_BACK = 'bring it back from a mirror or a backup';

/** The paths of a repository that exists. Throws `no_repository`, or `bad_manifest` where only the manifest is gone. */
export function existingRepository(context: Context, name: string): RepositoryPaths {
  const paths = repositoryPaths(context.directory, name);
  refuseLostManifest(paths);
  if (!existsSync(paths.manifest))
    throw new Stratum0Error(
      'no_repository',
      `the repository ${name} does not exist in ${context.directory}; mkfs makes it`,
    );
  return paths;
}

/** A new repository in its place would be the end of what was published. Throws `bad_manifest`. */
export function refuseLostManifest({ manifest, mountIndex }: RepositoryPaths): void {
  if (!existsSync(manifest) && existsSync(mountIndex))
    throw new Stratum0Error('bad_manifest', `${manifest} is missing: ${BRING_BACK}`);
}

/** Names of all repositories, sorted. */
export function repositoryNames({ directory }: Pick<Context, 'directory'>): string[] {
  const served = join(directory, 'srv');
  if (!existsSync(served)) return [];
  return readdirSync(served)
    .filter((name) => existsSync(join(served, name, '.cvmfspublished')))
    .sort();
}

/** What mirrors look for before they copy a repository, with the stock tools' text. */
const REPLICA = {
  name: '.cvmfs_master_replica',
  text: 'This file marks the repository as replicatable to stratum 1 servers\n',
};

/** Makes the directories of objects, and the mark that lets mirrors copy; they may be there. */
export async function makeStore({ disk }: Context, paths: RepositoryPaths): Promise<void> {
  const data = join(paths.served, 'data');
  await disk.makeDirectory(join(data, 'txn'), 0o755);
  for (let i = 0; i < 256; i += 1) await disk.makeDirectory(join(data, i.toString(16).padStart(2, '0')), 0o755);
  await disk.syncDirectory(data);
  const replica = join(paths.served, REPLICA.name);
  await replaceFile(disk, replica, `${replica}.new`, Buffer.from(REPLICA.text));
}

/** Verifies the published revision and gives access to it. */
export async function openServed(context: Context, paths: RepositoryPaths): Promise<Published> {
  const key = await readPublicKey(paths.publicKey);
  try {
    return await openPublished(paths.served, key, { now: context.now() });
  } catch (error) {
    if (!(error instanceof Stratum0Error)) throw error;
    const remedy = error.message.includes('whitelist') ? '"resign" signs a new one' : BRING_BACK;
    throw new Stratum0Error(error.code, `${paths.name}: ${error.message}; ${remedy}`);
  }
}

/** The manifest as it is, without verifying who signed it. */
export async function currentManifest(paths: RepositoryPaths): Promise<Manifest> {
  return decodeManifest(await readFile(paths.manifest), paths.manifest).manifest;
}

/** The key that signs a manifest, by the certificate that it names. Throws `bad_key`. */
export async function keyOfManifest(paths: RepositoryPaths, { certificate }: Manifest): Promise<KeyObject> {
  return manifestKey(
    paths,
    readCertificate(await readObject(paths.served, certificate, 'X'), 'the certificate object'),
  );
}

/** Signs a manifest and puts it in place: from this moment clients get the new revision. */
export async function writeManifest(
  context: Context,
  paths: RepositoryPaths,
  manifest: Manifest,
  key: KeyObject,
): Promise<void> {
  const signed = encodeManifest(manifest, key);
  await replaceFile(context.disk, paths.manifest, `${paths.manifest}.new`, signed);
}

/** Renews the whitelist with the master key; clients see the old or the new one. */
export async function resign(context: Context, name: string, days: number): Promise<void> {
  const paths = existingRepository(context, name);
  const expiresAt = await withRepositoryLock(context, paths, () => signWhitelist(context, paths, days));
  context.say(`Signed ${days} day whitelist of ${name}: valid until ${new Date(expiresAt).toISOString()}`);
}

/** Gives the time at which it expires, milliseconds since the epoch. */
export async function signWhitelist(context: Context, paths: RepositoryPaths, days: number): Promise<number> {
  const certificate = readCertificate(await readFile(paths.certificate), paths.certificate);
  const signedAt = context.now();
  const expiresAt = signedAt + days * DAY_MS;
  const whitelist = { name: paths.name, signedAt, expiresAt, fingerprints: [certificate.fingerprint] };
  const signed = encodeWhitelist(whitelist, await whitelistKey(paths));
  await replaceFile(context.disk, paths.whitelist, `${paths.whitelist}.new`, signed);
  return expiresAt;
}

/** The last act of a publish or abort. */
export async function closeTransaction(context: Context, paths: RepositoryPaths): Promise<void> {
  await context.disk.setMode(paths.mount, MOUNT_CLOSED);
  await removeTransaction(context, paths);
}

/** The open transaction. Throws `no_transaction`. */
export async function openTransactionOf(paths: RepositoryPaths): Promise<Transaction> {
  const transaction = await readTransaction(paths);
  if (transaction === null)
    throw new Stratum0Error('no_transaction', `Repository ${paths.name} is not in a transaction`);
  return transaction;
}
