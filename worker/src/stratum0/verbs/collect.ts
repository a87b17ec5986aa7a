import { readdirSync } from 'node:fs';
import { lstat, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { formatBytes } from '@icefall/shared/text';
import type { BytePath } from '../byte-path.ts';
import type { CatalogReference } from '../catalog/catalog.ts';
import type { Context } from '../context.ts';
import { removeIfThere, replaceFile } from '../disk.ts';
import { systemCode } from '../errors.ts';
import { REFERENCE_SUFFIXES, type Reference, readReflog, writeReflog } from '../history/reflog.ts';
import { algorithmOf } from '../objects/hashes.ts';
import { objectName, readObject } from '../objects/object-store.ts';
import type { RepositoryPaths } from '../paths.ts';
import type { Published } from '../published.ts';
import { existingRepository, keyOfManifest, openServed, writeManifest } from '../repository.ts';
import { withRepositoryLock } from '../transaction/lock.ts';
import { closeCutOffPublish } from '../transaction/recovery.ts';
import { refuseInTransaction } from './tags.ts';

/**
 * What no name keeps is kept for so many days all the same: a client may still be at such a revision, and a mirror may be
 * copying what a manifest of before has named (histories, certificates, descriptions).
 */
const KEEP_DAYS = 3;

/**
 * Removes objects that nothing needs any more: neither the current revision, nor a tag, nor a revision of the last days.
 * What is needed is found first and completely; a damaged or missing catalog ends the collection before anything is
 * removed. Then the log of references forgets the rest, and last the objects go: one that dies is simply done again.
 * Throws `in_transaction`, `missing_object`, `damaged_object`.
 */
export async function collectGarbage(context: Context, name: string): Promise<void> {
  const paths = existingRepository(context, name);
  await withRepositoryLock(context, paths, async () => {
    await closeCutOffPublish(context, paths);
    await refuseInTransaction(paths);
    const published = await openServed(context, paths);
    const log = await readReflog(paths);
    const since = context.now() / 1000 - KEEP_DAYS * 86_400;
    const recent = namedSince(log, since);
    const roots = await rootsToKeep(paths, published, recent);
    const needed = await markAll(published, roots);
    for (const { hash, type } of recent) needed.add(objectName(hash, REFERENCE_SUFFIXES[type]));
    const kept = log.filter(({ hash, type }) => needed.has(objectName(hash, REFERENCE_SUFFIXES[type])));
    const key = await keyOfManifest(paths, published.manifest);
    const reflog = await writeReflog(context, paths, kept, algorithmOf(published.manifest.root));
    await writeManifest(context, paths, { ...published.manifest, reflog }, key);
    const removed = await sweep(context, paths, needed);
    await writeStatus(context, paths);
    context.say(
      `Collected garbage of ${name}: ${removed.objects} objects removed (${formatBytes(removed.bytes)}), ${needed.size} kept, for ${roots.length} revisions`,
    );
  });
}

/** What manifests have named at that time or later: each until there was another of its kind. Seconds since the epoch. */
function namedSince(log: readonly Reference[], since: number): Reference[] {
  const replacedAt = new Map<Reference['type'], number>();
  return log.toReversed().filter(({ type, addedAt }) => {
    const until = replacedAt.get(type) ?? Number.POSITIVE_INFINITY;
    replacedAt.set(type, addedAt);
    return until >= since;
  });
}

async function rootsToKeep(
  paths: RepositoryPaths,
  published: Published,
  recent: readonly Reference[],
): Promise<CatalogReference[]> {
  const { manifest } = published;
  const roots = new Map([[manifest.root, manifest.rootSizeBytes]]);
  for (const { root, rootSizeBytes } of await published.tags()) roots.set(root, rootSizeBytes);
  for (const { hash, type } of recent) {
    if (type !== 'catalog' || roots.has(hash)) continue;
    roots.set(hash, (await readObject(paths.served, hash, 'C')).length);
  }
  return [...roots].map(([hash, sizeBytes]) => ({ hash, sizeBytes }));
}

/** The names of all objects that the roots lead to, and of those that the manifest names. */
async function markAll(published: Published, roots: readonly CatalogReference[]): Promise<Set<string>> {
  const { manifest } = published;
  const needed = new Set([objectName(manifest.certificate, 'X'), objectName(manifest.history, 'H')]);
  if (manifest.metainfo !== null) needed.add(objectName(manifest.metainfo, 'M'));
  const mark = async (mountpoint: BytePath, reference: CatalogReference): Promise<void> => {
    const name = objectName(reference.hash, 'C');
    if (needed.has(name)) return;
    needed.add(name);
    const catalog = await published.catalog(mountpoint, reference);
    const nested = catalog.nested();
    for (const [hash, suffix] of catalog.objects()) needed.add(objectName(hash, suffix));
    catalog.close();
    for (const [path, below] of nested) await mark(path, below);
  };
  for (const root of roots) await mark('', root);
  return needed;
}

async function sweep(
  { disk }: Context,
  paths: RepositoryPaths,
  needed: ReadonlySet<string>,
): Promise<{ objects: number; bytes: number }> {
  const removed = { objects: 0, bytes: 0 };
  const data = join(paths.served, 'data');
  for (const directory of directoriesIn(data))
    for (const file of readdirSync(join(data, directory))) {
      if (needed.has(`data/${directory}/${file}`)) continue;
      const path = join(data, directory, file);
      removed.bytes += (await lstat(path)).size;
      removed.objects += 1;
      await removeIfThere(disk, path).catch((error: unknown) => {
        if (systemCode(error) !== 'EISDIR') throw error;
      });
    }
  return removed;
}

/** What else lies there is none of ours. */
function directoriesIn(data: string): string[] {
  const names = readdirSync(data, { withFileTypes: true });
  return names.filter((name) => name.isDirectory()).map(({ name }) => name);
}

/** What the stock tools tell monitors of the last collection; what else they have told (of checks) stays. */
async function writeStatus(context: Context, paths: RepositoryPaths): Promise<void> {
  const [, weekday = '', day = '', month = '', year = '', time = ''] =
    /^(...), (..) (...) (....) (.{8}) GMT$/.exec(new Date(context.now()).toUTCString()) ?? [];
  const path = join(paths.served, '.cvmfs_status.json');
  const status = { ...(await readStatus(path)), last_gc: `${weekday} ${month} ${day} ${time} UTC ${year}` };
  await replaceFile(context.disk, path, `${path}.new`, Buffer.from(`${JSON.stringify(status, null, 2)}\n`));
}

/** Nothing where there is none, or none that can be read: it is for people and monitors, and written anew. */
async function readStatus(path: string): Promise<object> {
  try {
    const status: unknown = JSON.parse(await readFile(path, 'utf8'));
    return typeof status === 'object' && status !== null && !Array.isArray(status) ? status : {};
  } catch {
    return {};
  }
}
