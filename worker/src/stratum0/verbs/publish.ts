import { type BytePath, bytePath, forPeople } from '../byte-path.ts';
import { CatalogForest } from '../catalog/forest.ts';
import type { Context } from '../context.ts';
import { advanceHistory, checkNewTag } from '../history/history.ts';
import { algorithmOf, type HashAlgorithm } from '../objects/hashes.ts';
import { type ObjectStore, objectStore } from '../objects/object-store.ts';
import type { RepositoryPaths } from '../paths.ts';
import { closeTransaction, currentManifest, existingRepository, openServed, openTransactionOf } from '../repository.ts';
import { readSettings } from '../settings.ts';
import { takeIn } from '../transaction/intake.ts';
import { withRepositoryLock } from '../transaction/lock.ts';
import { closeCutOffPublish } from '../transaction/recovery.ts';
import { commitRevision, nextStorage } from '../transaction/revision.ts';
import { type Counts, keepStatistics, sayCounts } from '../transaction/statistics.ts';
import { type CatalogWeights, chooseCatalogs } from '../tree/balance.ts';
import { planMarkers, putAutomaticMarkers } from '../tree/markers.ts';
import { catalogLoader, mirrorOf } from '../tree/mirror.ts';
import { despiteDamage, type MountIndex } from '../tree/mount-index.ts';
import { lookOut, type Outlook } from '../tree/outlook.ts';
import { type ScanStep, scanMount } from '../tree/scan.ts';

export interface PublishOptions {
  /** A name for the revision; without one it gets a generic one. */
  readonly tag: string | null;
  readonly description: string;
  /** Split catalogs that become too large; absent or null: as they are marked only. */
  readonly weights?: CatalogWeights | null;
  /**
   * The only paths that may have changed, as {@link placesOf} takes them; absent or null: all of the transaction's path.
   * Nobody looks at others: what changed there waits for a publish that does.
   */
  readonly changed?: readonly BytePath[] | null;
}

/** What a publish did. */
export interface PublishResult {
  readonly revision: number;
  readonly root: string;
  readonly filesRead: number;
  readonly counts: Counts;
}

/**
 * Makes what is in the mount tree the new revision: objects first, the manifest last, so that a failure or death at any
 * point leaves the old revision served and whole. Fails without a transaction (`no_transaction`); any other failure leaves
 * the transaction open.
 */
export async function publish(context: Context, name: string, options: PublishOptions): Promise<PublishResult | null> {
  const paths = existingRepository(context, name);
  return withRepositoryLock(context, paths, () =>
    despiteDamage(context, paths, () => publishOpen(context, paths, options)),
  );
}

async function publishOpen(
  context: Context,
  paths: RepositoryPaths,
  options: PublishOptions,
): Promise<PublishResult | null> {
  if ((await closeCutOffPublish(context, paths)) !== null) return null;
  const startedAt = context.now();
  const transaction = await openTransactionOf(paths);
  const base = await openServed(context, paths);
  if (options.tag !== null) checkNewTag(await base.tags(), options.tag);
  const index = await mirrorOf(context, paths, base);
  try {
    const algorithm = algorithmOf(base.manifest.root);
    const store = objectStore(context.disk, paths.served, paths.unsettled, algorithm);
    const scope = bytePath(transaction.path);
    const published = await publishChanges(context, { paths, index, scope, store, algorithm }, options);
    await closeTransaction(context, paths);
    const record = { ...published, startedAt };
    keepStatistics(context, paths, record);
    if ((await readSettings(paths)).printsStatistics) sayCounts(context, record);
    context.say(`Published ${paths.name}: revision ${published.revision}, root hash ${published.root}`);
    return published;
  } finally {
    index.close();
  }
}

/** What the parts of a publish share. */
interface Work {
  readonly paths: RepositoryPaths;
  readonly index: MountIndex;
  /** Only this path may change; empty: all. */
  readonly scope: BytePath;
  readonly store: ObjectStore;
  readonly algorithm: HashAlgorithm;
}

async function publishChanges(context: Context, work: Work, options: PublishOptions): Promise<PublishResult> {
  const { paths, index, store } = work;
  const storage = nextStorage(context, store, await currentManifest(paths));
  const forest = new CatalogForest(index.catalogs(), catalogLoader(paths));
  const settings = await readSettings(paths);
  const outlook = await lookOut(work, options);
  const steps = await scanBalanced(context, work, outlook, options.weights ?? null);
  index.begin();
  try {
    const { filesRead, counts } = await takeIn(
      context,
      { ...work, forest, storage, settings, survey: outlook.survey },
      steps,
    );
    const given = options.tag === null ? null : { name: options.tag, description: options.description };
    const { manifest, catalogs } = await commitRevision(context, paths, {
      forest,
      store,
      storage,
      advance: (tags, newest) => advanceHistory(tags, newest, given),
    });
    index.commit(manifest.root, catalogs);
    counts.catalogs_added = store.catalogs.count;
    counts.sz_catalog_bytes_uploaded = store.catalogs.bytes;
    return { revision: manifest.revision, root: manifest.root, filesRead, counts };
  } finally {
    index.rollback();
    forest.close();
  }
}

/**
 * Looks at the mount tree where it has to. Where catalogs are to be split by weight it is looked at once before, and the
 * markers that split them are put.
 */
async function scanBalanced(
  context: Context,
  { paths, index }: Work,
  { place, isSettled }: Outlook,
  weights: CatalogWeights | null,
): Promise<Iterable<ScanStep>> {
  const enter = await planMarkers(paths);
  const scan = () => scanMount({ mount: paths.mount, published: (path) => index.list(path), enter, place, isSettled });
  if (weights === null) return scan();
  const directories = new Map<BytePath, number>();
  const mountpoints = new Set(index.catalogs().keys());
  for (const step of scan()) {
    if (step.type === 'left') continue;
    if (step.isMarked !== null) directories.set(step.directory, step.names);
    if (step.isMarked === true) mountpoints.add(step.directory);
    if (step.isMarked === false) mountpoints.delete(step.directory);
  }
  mountpoints.delete('');
  for (const directory of chooseCatalogs(directories, mountpoints, weights)) {
    context.say(`Automatic creation of nested catalog in '/${forPeople(directory)}'`);
    putAutomaticMarkers(paths, directory);
  }
  return scan();
}
