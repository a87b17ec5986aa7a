import { copyFileSync, existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Context } from '../context.ts';
import { Stratum0Error } from '../errors.ts';
import { algorithmOf } from '../objects/hashes.ts';
import { objectStore } from '../objects/object-store.ts';
import { type RepositoryPaths, repositoryPaths } from '../paths.ts';
import { currentManifest, MOUNT_OPEN, makeStore, openServed, signWhitelist } from '../repository.ts';
import { withRepositoryLock } from '../transaction/lock.ts';
import { closeCutOffPublish } from '../transaction/recovery.ts';
import { putManifest } from '../transaction/revision.ts';
import { newTransaction, writeTransaction } from '../transaction/transaction.ts';
import { makeRepositoryKey, manifestKey, readCertificate, whitelistKey } from '../trust/keys.ts';
import { WHITELIST_DAYS } from '../trust/whitelist.ts';

/** How a repository is taken over; the options of `cvmfs_server import`. */
export interface ImportOptions {
  /** Where its keys are; null: where this stratum 0 keeps its own. */
  readonly keys: string | null;
  /** Sign a new whitelist with the master key. */
  readonly signsWhitelist: boolean;
  /** Make a new repository key and certificate; needs a new whitelist. */
  readonly makesKey: boolean;
}

/**
 * Takes over a repository that others have published: its store is in `srv/REPO` already, the mount tree is made from it.
 * Throws `no_repository`, `repository_exists`, `bad_key`, and what is wrong with manifest, whitelist or catalogs. One that
 * dies is done again, or finished by the next command.
 */
export async function importRepository(context: Context, name: string, options: ImportOptions): Promise<void> {
  const paths = repositoryPaths(context.directory, name);
  if (!existsSync(paths.manifest))
    throw new Stratum0Error(
      'no_repository',
      `there is nothing to import: put the repository's files into ${paths.served}`,
    );
  if (options.makesKey && !options.signsWhitelist)
    throw new Stratum0Error('usage', 'a new repository key (-t) needs a new whitelist (-r)');
  const { disk } = context;
  await disk.makeDirectory(paths.spool, 0o755);
  await withRepositoryLock(context, paths, async () => {
    if (existsSync(paths.mount) && (await closeCutOffPublish(context, paths)) !== null) return;
    if (existsSync(paths.mountIndex))
      throw new Stratum0Error('repository_exists', `the repository ${name} is one of this stratum 0 already`);
    await takeKeys(context, paths, options);
    await makeStore(context, paths);
    if (options.signsWhitelist) await signWhitelist(context, paths, WHITELIST_DAYS);
    if (options.makesKey) await putCertificate(context, paths);
    const { manifest } = await openServed(context, paths);
    if (manifest.name !== name)
      throw new Stratum0Error(
        'bad_manifest',
        `${paths.manifest} is of the repository ${manifest.name}, not of ${name}`,
      );
    await checkKey(paths);
    await disk.makeDirectory(paths.mount, MOUNT_OPEN);
    // The tree is made as after a rollback: a death on the way is finished by the next command.
    const published = { root: manifest.root, revision: manifest.revision };
    await writeTransaction(context, paths, { ...newTransaction(context, ''), published, restores: true });
    await closeCutOffPublish({ ...context, say: () => {} }, paths);
    context.say(
      `Imported ${name} at revision ${manifest.revision}: served from ${paths.served}, seen as ${paths.mount}`,
    );
  });
}

/** Copies the keys that there are; without those that are needed the import ends before anything is changed. */
async function takeKeys(context: Context, paths: RepositoryPaths, options: ImportOptions): Promise<void> {
  await context.disk.makeDirectory(join(context.directory, 'keys'), 0o700);
  const from = repositoryKeysIn(options.keys, paths);
  const needed = [
    from.publicKey,
    ...(options.makesKey ? [] : [from.privateKey, from.certificate]),
    ...(options.signsWhitelist ? [from.masterKey] : []),
  ];
  for (const [path] of needed)
    if (!existsSync(path))
      throw new Stratum0Error('bad_key', `the key ${path} is missing: say where the keys are with -k DIR`);
  for (const [path, to] of Object.values(from)) if (path !== to && existsSync(path)) copyFileSync(path, to);
  if (options.makesKey) await makeRepositoryKey(context, paths);
}

type Copy = readonly [from: string, to: string];

function repositoryKeysIn(directory: string | null, paths: RepositoryPaths) {
  const copy = (to: string, ending: string): Copy => [
    directory === null ? to : join(directory, `${paths.name}.${ending}`),
    to,
  ];
  return {
    privateKey: copy(paths.privateKey, 'key'),
    certificate: copy(paths.certificate, 'crt'),
    masterKey: copy(paths.masterKey, 'masterkey'),
    publicKey: copy(paths.publicKey, 'pub'),
  };
}

/** Signs the manifest anew, with the certificate that there is now. */
async function putCertificate(context: Context, paths: RepositoryPaths): Promise<void> {
  const manifest = await currentManifest(paths);
  const store = objectStore(context.disk, paths.served, paths.unsettled, algorithmOf(manifest.root));
  const certificate = await store.put(await readFile(paths.certificate), 'X');
  await store.settle();
  await putManifest(context, paths, { ...manifest, certificate });
}

/** A key that does not fit would only be noticed by the clients of the next publish. */
async function checkKey(paths: RepositoryPaths): Promise<void> {
  await manifestKey(paths, readCertificate(await readFile(paths.certificate), paths.certificate));
  if (existsSync(paths.masterKey)) await whitelistKey(paths);
}
