import { existsSync, lstatSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createCatalog, loadCatalog } from '../catalog/catalog.ts';
import { addCounters, NO_COUNTS } from '../catalog/counters.ts';
import { DIRECTORY_SIZE } from '../catalog/entry.ts';
import { CatalogForest, type KnownCatalog } from '../catalog/forest.ts';
import type { Context } from '../context.ts';
import { replaceFile } from '../disk.ts';
import { Stratum0Error } from '../errors.ts';
import { advanceHistory, encodeHistory } from '../history/history.ts';
import { encodeReflog } from '../history/reflog.ts';
import type { HashAlgorithm } from '../objects/hashes.ts';
import { type ObjectStore, objectStore } from '../objects/object-store.ts';
import { type RepositoryPaths, repositoryPaths } from '../paths.ts';
import { MOUNT_CLOSED, MOUNT_OPEN, makeStore, refuseLostManifest, signWhitelist } from '../repository.ts';
import { withRepositoryLock } from '../transaction/lock.ts';
import { putManifest } from '../transaction/revision.ts';
import { openMountIndex } from '../tree/mount-index.ts';
import { ensureKeys } from '../trust/keys.ts';
import { MANIFEST_TTL_SECONDS } from '../trust/manifest.ts';
import { WHITELIST_DAYS } from '../trust/whitelist.ts';

/** Mode of the root in what is published. */
const ROOT_MODE = 0o755;
/** Makes a repository with an empty first revision; its objects are named by hashes of this algorithm. Throws `repository_exists`. */
export async function makeRepository(context: Context, name: string, algorithm: HashAlgorithm = 'sha1'): Promise<void> {
  const paths = repositoryPaths(context.directory, name);
  refuseLostManifest(paths);
  if (existsSync(paths.manifest)) throw new Stratum0Error('repository_exists', `the repository ${name} exists already`);
  const { disk } = context;
  await disk.makeDirectory(paths.spool, 0o755);
  await withRepositoryLock(context, paths, async () => {
    await makeStore(context, paths);
    await disk.makeDirectory(paths.mount, MOUNT_OPEN);
    await ensureKeys(context, paths);
    await signWhitelist(context, paths, WHITELIST_DAYS);
    await writeFirstRevision(context, paths, algorithm);
    await disk.setMode(paths.mount, MOUNT_CLOSED);
  });
  context.say(`Created ${name}: served from ${paths.served}, seen as ${paths.mount}, public key ${paths.publicKey}`);
}

async function writeFirstRevision(context: Context, paths: RepositoryPaths, algorithm: HashAlgorithm): Promise<void> {
  const store = objectStore(context.disk, paths.served, paths.unsettled, algorithm);
  const now = Math.floor(context.now() / 1000);
  const { image, first } = await storeEmptyCatalog(paths, store, now);
  const forest = new CatalogForest(new Map([['', first]]), () => loadCatalog('', image, 'the first catalog'));
  const catalogs = await forest.store({
    put: (bytes) => store.put(bytes, 'C'),
    now,
    ttlSeconds: MANIFEST_TTL_SECONDS,
    revision: 1,
    rootBefore: first.hash,
  });
  forest.close();
  const root = catalogs.get('') ?? first;
  const newest = { root: root.hash, revision: 1, publishedAt: now, rootSizeBytes: root.sizeBytes };
  const history = await store.put(encodeHistory(paths.name, advanceHistory([], newest, null)), 'H');
  const certificate = await store.put(await readFile(paths.certificate), 'X');
  const metainfo = await store.put(Buffer.from(METAINFO), 'M');
  await store.settle();
  const before = encodeReflog(paths.name, [{ hash: first.hash, type: 'catalog', addedAt: now }]);
  await replaceFile(context.disk, paths.reflog, `${paths.reflog}.new`, before);
  await putManifest(context, paths, {
    root: root.hash,
    rootSizeBytes: root.sizeBytes,
    ttlSeconds: MANIFEST_TTL_SECONDS,
    revision: 1,
    name: paths.name,
    certificate,
    history,
    publishedAt: now,
    isCollected: true,
    metainfo,
    reflog: null,
  });
  const index = openMountIndex(paths);
  index.clear();
  index.update(root.hash, { removed: [], stamps: [], catalogs });
  index.close();
}

/** The root catalog of revision 0, which no manifest names: what the first revision's catalog says it comes from. */
async function storeEmptyCatalog(
  paths: RepositoryPaths,
  store: ObjectStore,
  now: number,
): Promise<{ image: Uint8Array; first: KnownCatalog }> {
  const catalog = createCatalog('');
  const { uid, gid } = lstatSync(paths.mount);
  catalog.put({
    path: '',
    type: 'directory',
    mode: ROOT_MODE,
    uid,
    gid,
    sizeBytes: DIRECTORY_SIZE,
    mtime: now,
    mtimeNanoseconds: null,
    hash: null,
    chunks: [],
    target: null,
    attributes: null,
    linkCount: 2,
    linkGroup: 0,
    border: 'none',
  });
  catalog.setProperty('last_modified', String(now));
  const self = catalog.countSelf();
  catalog.setCounts({ self, subtree: NO_COUNTS });
  const image = catalog.image();
  catalog.close();
  const hash = await store.put(image, 'C');
  return { image, first: { hash, sizeBytes: image.byteLength, total: addCounters(self) } };
}

/** The description for people that the stock tools begin with (CernVM-FS documentation, "Repository Meta Information"). */
const METAINFO = `${JSON.stringify(
  {
    administrator: 'Your Name',
    email: 'you@organisation.org',
    organisation: 'Your Organisation',
    description: 'Repository content',
    url: 'Project website',
    'recommended-stratum0': 'stratum 0 url',
    'recommended-stratum1s': ['stratum1 url', 'stratum1 url'],
    custom: { _comment: 'Put arbitrary structured data here' },
  },
  null,
  2,
)}\n`;
