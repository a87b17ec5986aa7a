import type { BytePath } from '../byte-path.ts';
import type { CatalogForest, CatalogStorage, KnownCatalog } from '../catalog/forest.ts';
import type { Context } from '../context.ts';
import { decodeHistory, encodeHistory, type NewestRevision, type Tag } from '../history/history.ts';
import { type Reference, readReflog, writeReflog } from '../history/reflog.ts';
import { algorithmOf } from '../objects/hashes.ts';
import { type ObjectStore, readObject } from '../objects/object-store.ts';
import type { RepositoryPaths } from '../paths.ts';
import { currentManifest, keyOfManifest, writeManifest } from '../repository.ts';
import type { Manifest } from '../trust/manifest.ts';
import { readTransaction, writeTransaction } from './transaction.ts';

/** A revision that is about to be made. */
export interface NewRevision {
  readonly forest: CatalogForest;
  readonly store: ObjectStore;
  readonly storage: CatalogStorage;
  /** The tags that there are then, from those so far. */
  readonly advance: (tags: readonly Tag[], newest: NewestRevision) => readonly Tag[];
}

/** Where catalogs of the revision after that of a manifest are put. */
export function nextStorage(context: Context, store: ObjectStore, before: Manifest): CatalogStorage {
  return {
    put: (image) => store.put(image, 'C'),
    // Clients keep to what they have where a manifest is older: a clock that was set back must not hide what is new.
    now: Math.max(before.publishedAt, Math.floor(context.now() / 1000)),
    ttlSeconds: before.ttlSeconds,
    revision: before.revision + 1,
    rootBefore: before.root,
  };
}

/**
 * Stores the changed catalogs and the history, makes all new objects durable, and puts the manifest in place: from that
 * moment clients get the new revision. The order is what a crash at any point relies on.
 */
export async function commitRevision(
  context: Context,
  paths: RepositoryPaths,
  { forest, store, storage, advance }: NewRevision,
): Promise<{ manifest: Manifest; catalogs: ReadonlyMap<BytePath, KnownCatalog> }> {
  const before = await currentManifest(paths);
  const { revision, now, ttlSeconds } = storage;
  const catalogs = await forest.store(storage);
  const root = catalogs.get('');
  if (root === undefined) throw new Error('a repository without a root catalog');
  const newest = { root: root.hash, revision, publishedAt: now, rootSizeBytes: root.sizeBytes };
  const tags = advance(await readTags(paths, before), newest);
  const history = await store.put(encodeHistory(paths.name, tags, before.history), 'H');
  await store.settle();
  const transaction = await readTransaction(paths);
  if (transaction !== null)
    await writeTransaction(context, paths, { ...transaction, published: { root: root.hash, revision } });
  const next: Manifest = {
    ...before,
    root: root.hash,
    rootSizeBytes: root.sizeBytes,
    ttlSeconds,
    revision,
    history,
    publishedAt: now,
    isCollected: true,
  };
  return { manifest: await putManifest(context, paths, next), catalogs };
}

/** The tags of a manifest. */
export async function readTags(paths: RepositoryPaths, manifest: Manifest): Promise<Tag[]> {
  return decodeHistory(await readObject(paths.served, manifest.history, 'H'));
}

/** Logs what a manifest names, and puts it in place. */
export async function putManifest(context: Context, paths: RepositoryPaths, manifest: Manifest): Promise<Manifest> {
  const key = await keyOfManifest(paths, manifest);
  const log = await readReflog(paths);
  // A manifest keeps its time where only its tags change, what it names does not.
  const addedAt = Math.max(manifest.publishedAt, Math.floor(context.now() / 1000));
  const references = [...log, ...referencesOf(manifest, addedAt)];
  const reflog = await writeReflog(context, paths, references, algorithmOf(manifest.root));
  const complete = { ...manifest, reflog };
  await writeManifest(context, paths, complete, key);
  return complete;
}

function referencesOf(manifest: Manifest, addedAt: number): Reference[] {
  return [
    { hash: manifest.root, type: 'catalog', addedAt },
    { hash: manifest.certificate, type: 'certificate', addedAt },
    { hash: manifest.history, type: 'history', addedAt },
    ...(manifest.metainfo === null ? [] : [{ hash: manifest.metainfo, type: 'metainfo' as const, addedAt }]),
  ];
}
