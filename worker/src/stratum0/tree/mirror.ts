import { readFileSync } from 'node:fs';
import type { BytePath } from '../byte-path.ts';
import { type Catalog, type CatalogReference, loadCatalog } from '../catalog/catalog.ts';
import { addCounters } from '../catalog/counters.ts';
import { type CatalogEntry, sameEntry } from '../catalog/entry.ts';
import type { KnownCatalog } from '../catalog/forest.ts';
import type { Context } from '../context.ts';
import { Stratum0Error, systemCode } from '../errors.ts';
import { objectName, unpackObjectSync } from '../objects/object-store.ts';
import type { RepositoryPaths } from '../paths.ts';
import type { Published } from '../published.ts';
import { type FileStamp, type MountIndex, openMountIndex, unknownStamp } from './mount-index.ts';

/** Loads catalogs from what is served. Throws `missing_object` or `damaged_object`. */
export function catalogLoader(paths: RepositoryPaths): (mountpoint: BytePath, reference: CatalogReference) => Catalog {
  return (mountpoint, { hash }) => {
    const name = objectName(hash, 'C');
    let packed: Buffer;
    try {
      packed = readFileSync(`${paths.served}/${name}`);
    } catch (error) {
      throw new Stratum0Error('missing_object', `${name} cannot be read (${systemCode(error)})`);
    }
    return loadCatalog(mountpoint, unpackObjectSync(packed, hash, 'C'), name);
  };
}

/**
 * The index of the mount tree, made anew from the catalogs where it does not belong to the published revision: after a
 * rollback, or a publish that died between manifest and index. What is the same in both revisions keeps its stamp.
 */
export async function mirrorOf(context: Context, paths: RepositoryPaths, published: Published): Promise<MountIndex> {
  const index = openMountIndex(paths);
  try {
    const { root } = published.manifest;
    if (index.root() === root) return index;
    context.say(`Reading the catalogs of ${paths.name}: the index of ${paths.mount} is of another revision`);
    const before = await entriesBefore(index, published);
    const entries = await published.entries();
    const stamps = entries.map((entry): readonly [BytePath, FileStamp] => {
      const old = before.get(entry.path);
      const stamp = old !== undefined && sameEntry(old, entry) ? index.stamp(entry.path) : null;
      return [entry.path, stamp ?? unknownStamp(entry.type)];
    });
    index.clear();
    index.update(root, { removed: [], stamps, catalogs: await knownCatalogs(published) });
    return index;
  } catch (error) {
    index.close();
    throw error;
  }
}

/** The entries of the revision that the index is of; none where it is gone. */
async function entriesBefore(index: MountIndex, published: Published): Promise<Map<BytePath, CatalogEntry>> {
  const root = index.root();
  if (root === null) return new Map();
  try {
    const entries = await published.entries({ hash: root, sizeBytes: 0 });
    return new Map(entries.map((entry) => [entry.path, entry]));
  } catch (error) {
    if (!(error instanceof Stratum0Error)) throw error;
    return new Map();
  }
}

/** All catalogs of the published revision. */
async function knownCatalogs(published: Published): Promise<Map<BytePath, KnownCatalog>> {
  const known = new Map<BytePath, KnownCatalog>();
  const visit = async (mountpoint: BytePath, reference: CatalogReference): Promise<void> => {
    const catalog = await published.catalog(mountpoint, reference);
    const { self, subtree } = catalog.counts();
    const nested = catalog.nested();
    catalog.close();
    known.set(mountpoint, { ...reference, total: addCounters(self, subtree) });
    for (const [path, below] of nested) await visit(path, below);
  };
  const { root, rootSizeBytes } = published.manifest;
  await visit('', { hash: root, sizeBytes: rootSizeBytes });
  return known;
}
