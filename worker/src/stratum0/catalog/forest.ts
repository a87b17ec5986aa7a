import { type BytePath, parentPath } from '../byte-path.ts';
import { type Catalog, type CatalogReference, createCatalog } from './catalog.ts';
import { addCounters, type Counters, countersOf, NO_COUNTS } from './counters.ts';
import type { CatalogEntry } from './entry.ts';
import { NO_HASH } from './schema.ts';

/** A catalog of the repository, as its parent (for the root: the manifest) refers to it. */
export interface KnownCatalog extends CatalogReference {
  /** What it and all below it count. */
  readonly total: Counters;
}

/** What {@link CatalogForest.store} is given. */
export interface CatalogStorage {
  /** Stores a database's bytes and gives the object's hash. */
  put(image: Uint8Array): Promise<string>;
  /** Seconds since the epoch. */
  readonly now: number;
  /** Seconds for which a client may keep the root catalog. */
  readonly ttlSeconds: number;
  /** Of the root catalog; the others count for themselves. */
  readonly revision: number;
  /** The root catalog of the revision before: after a rollback not the one that the new one is made from. */
  readonly rootBefore: string;
}

/**
 * All catalogs of a repository while a new revision is made. Each is opened when something in it changes, and only those,
 * with the ones above them, are written again.
 */
export class CatalogForest {
  readonly #known: Map<BytePath, KnownCatalog>;
  readonly #load: (mountpoint: BytePath, reference: CatalogReference) => Catalog;
  readonly #open = new Map<BytePath, Catalog>();
  readonly #dirty = new Set<BytePath>();
  #lastOwner: { readonly directory: BytePath; readonly catalog: Catalog } | null = null;
  /** The last number of a group of hard links that was given out, for each catalog. */
  readonly #lastGroups = new Map<BytePath, number>();

  /** `known`: all catalogs by their directories; without any the repository is new. */
  constructor(
    known: ReadonlyMap<BytePath, KnownCatalog>,
    load: (mountpoint: BytePath, reference: CatalogReference) => Catalog,
  ) {
    this.#known = new Map(known);
    this.#load = load;
  }

  /** Whether a nested catalog begins at a directory. */
  has(mountpoint: BytePath): boolean {
    return this.#known.has(mountpoint);
  }

  #catalog(mountpoint: BytePath): Catalog {
    const open = this.#open.get(mountpoint);
    if (open !== undefined) return open;
    const known = this.#known.get(mountpoint);
    if (known === undefined) throw new Error(`no catalog begins at ${mountpoint}`);
    const catalog = this.#load(mountpoint, known);
    this.#open.set(mountpoint, catalog);
    return catalog;
  }

  /** The catalog that lists what is in a directory. */
  #ownerOfListing(directory: BytePath): Catalog {
    if (this.#lastOwner?.directory === directory) return this.#lastOwner.catalog;
    let mountpoint = directory;
    while (mountpoint !== '' && !this.#known.has(mountpoint)) mountpoint = parentPath(mountpoint);
    const catalog = this.#catalog(mountpoint);
    this.#lastOwner = { directory, catalog };
    return catalog;
  }

  /** The catalog that lists a name among its neighbours; the root's own entry is in the root catalog. */
  #ownerOf(path: BytePath): Catalog {
    return this.#ownerOfListing(path === '' ? '' : parentPath(path));
  }

  #change(catalog: Catalog): Catalog {
    this.#dirty.add(catalog.mountpoint);
    return catalog;
  }

  lookup(path: BytePath): CatalogEntry | null {
    return this.#ownerOf(path).lookup(path);
  }

  /** What is in a directory; nothing where none is listed. */
  list(directory: BytePath): CatalogEntry[] {
    return this.#ownerOfListing(directory).list(directory);
  }

  /** A number for a group of hard links that nothing in that directory's catalog has yet. */
  newLinkGroup(directory: BytePath): number {
    const catalog = this.#ownerOfListing(directory);
    const group = (this.#lastGroups.get(catalog.mountpoint) ?? catalog.lastLinkGroup()) + 1;
    this.#lastGroups.set(catalog.mountpoint, group);
    return group;
  }

  /** Puts an entry where it belongs: that of a nested catalog's directory in both catalogs. */
  put(entry: CatalogEntry): void {
    const isBorder = entry.path !== '' && this.#known.has(entry.path);
    this.#change(this.#ownerOf(entry.path)).put(withBorder(entry, isBorder ? 'transition' : 'none'));
    if (isBorder) this.#change(this.#catalog(entry.path)).put(withBorder(entry, 'root'));
  }

  /** Removes a name with all that is below it. Gives what that counted. */
  removeTree(path: BytePath): Counters {
    const owner = this.#ownerOf(path);
    const entry = owner.lookup(path);
    return entry === null ? NO_COUNTS : this.#removeIn(this.#change(owner), entry);
  }

  #removeIn(owner: Catalog, entry: CatalogEntry): Counters {
    owner.remove(entry.path);
    const nested = this.#known.get(entry.path);
    if (nested !== undefined) {
      this.#forget(entry.path);
      owner.removeNested(entry.path);
      return nested.total;
    }
    let removed = countersOf(entry);
    const below = entry.type === 'directory' ? owner.list(entry.path) : [];
    for (const one of below) removed = addCounters(removed, this.#removeIn(owner, one));
    return removed;
  }

  /** Forgets a catalog and those below it. */
  #forget(mountpoint: BytePath): void {
    for (const path of [...this.#known.keys()]) {
      if (path !== mountpoint && !path.startsWith(`${mountpoint}/`)) continue;
      this.#close(path);
      this.#known.delete(path);
    }
  }

  #close(mountpoint: BytePath): void {
    this.#open.get(mountpoint)?.close();
    this.#open.delete(mountpoint);
    this.#dirty.delete(mountpoint);
    this.#lastGroups.delete(mountpoint);
    this.#lastOwner = null;
  }

  /** Begins a nested catalog at a directory: what is below it moves there. The directory must be listed. */
  split(mountpoint: BytePath): void {
    const parent = this.#change(this.#ownerOf(mountpoint));
    const entry = parent.lookup(mountpoint);
    if (entry === null) throw new Error(`${mountpoint} is not listed`);
    const nested = createCatalog(mountpoint);
    nested.put({ ...entry, border: 'root' });
    parent.put({ ...entry, border: 'transition' });
    const moved = parent.nested();
    const move = (directory: BytePath): void => {
      for (const below of parent.list(directory)) {
        nested.put(below);
        parent.remove(below.path);
        const reference = moved.get(below.path);
        if (reference !== undefined) {
          nested.setNested(below.path, reference);
          parent.removeNested(below.path);
        } else if (below.type === 'directory') move(below.path);
      }
    };
    move(mountpoint);
    this.#known.set(mountpoint, { hash: NO_HASH, sizeBytes: 0, total: nested.countSelf() });
    this.#open.set(mountpoint, nested);
    this.#lastGroups.delete(mountpoint);
    this.#lastOwner = null;
    this.#change(nested);
  }

  /** Ends a nested catalog: what it lists moves into the one above. */
  merge(mountpoint: BytePath): void {
    const nested = this.#catalog(mountpoint);
    const parent = this.#change(this.#ownerOf(mountpoint));
    const firstGroup = parent.lastLinkGroup();
    this.#lastGroups.delete(parent.mountpoint);
    const own = nested.lookup(mountpoint);
    if (own !== null) parent.put({ ...own, border: 'none' });
    const move = (directory: BytePath): void => {
      for (const below of nested.list(directory)) {
        parent.put(below.linkGroup === 0 ? below : { ...below, linkGroup: below.linkGroup + firstGroup });
        if (below.type === 'directory') move(below.path);
      }
    };
    move(mountpoint);
    for (const [path, reference] of nested.nested()) parent.setNested(path, reference);
    parent.removeNested(mountpoint);
    this.#close(mountpoint);
    this.#known.delete(mountpoint);
  }

  /** The directories of the catalogs that changed or hold one that did, innermost first. */
  #touched(): BytePath[][] {
    const touched = new Set<BytePath>(['']);
    for (const changed of this.#dirty)
      for (let path = changed; path !== ''; path = parentPath(path)) if (this.#known.has(path)) touched.add(path);
    const byDepth = new Map<number, BytePath[]>();
    for (const path of touched) {
      const depth = path === '' ? 0 : path.split('/').length;
      byDepth.set(depth, [...(byDepth.get(depth) ?? []), path]);
    }
    return [...byDepth].sort(([a], [b]) => b - a).map(([, paths]) => paths);
  }

  /**
   * Writes a nested catalog if it changed, and lets go of it: nothing in it, nor below it, may change any more. Does nothing
   * for a directory at which none begins.
   */
  async finish(mountpoint: BytePath, storage: CatalogStorage): Promise<void> {
    if (mountpoint === '' || !this.#known.has(mountpoint)) return;
    if (this.#dirty.has(mountpoint)) await this.#storeOne(mountpoint, storage);
    this.#close(mountpoint);
  }

  /**
   * Writes what changed, innermost catalogs first, each with the next revision number, and the hash of the one it
   * replaces (mirrors and the stock tools' garbage collection follow these back in time). Gives all catalogs of the new revision.
   */
  async store(storage: CatalogStorage): Promise<ReadonlyMap<BytePath, KnownCatalog>> {
    for (const level of this.#touched())
      await Promise.all(level.map((mountpoint) => this.#storeOne(mountpoint, storage)));
    return this.#known;
  }

  async #storeOne(mountpoint: BytePath, storage: CatalogStorage): Promise<void> {
    const catalog = this.#catalog(mountpoint);
    const before = this.#known.get(mountpoint);
    for (const path of catalog.nested().keys()) {
      const below = this.#known.get(path);
      if (below !== undefined) catalog.setNested(path, below);
    }
    const total = this.#count(catalog);
    if (mountpoint === '') catalog.setProperty('TTL', String(storage.ttlSeconds));
    catalog.setProperty('last_modified', String(storage.now));
    const revision = mountpoint === '' ? storage.revision : Number(catalog.property('revision')) + 1;
    catalog.setProperty('revision', String(revision));
    const replaced = mountpoint === '' ? storage.rootBefore : before?.hash;
    catalog.setProperty('previous_revision', replaced ?? NO_HASH);
    const image = catalog.image();
    const hash = await storage.put(image);
    this.#known.set(mountpoint, { hash, sizeBytes: image.byteLength, total });
    if (mountpoint === '') return;
    this.#change(this.#ownerOf(mountpoint)).setNested(mountpoint, { hash, sizeBytes: image.byteLength });
  }

  #count(catalog: Catalog): Counters {
    const self = catalog.countSelf();
    const below = [...catalog.nested().keys()].map((path) => this.#known.get(path)?.total);
    const subtree = addCounters(...below.filter((total) => total !== undefined));
    catalog.setCounts({ self, subtree });
    return addCounters(self, subtree);
  }

  close(): void {
    for (const catalog of this.#open.values()) catalog.close();
    this.#open.clear();
  }
}

function withBorder(entry: CatalogEntry, border: CatalogEntry['border']): CatalogEntry {
  return entry.border === border ? entry : { ...entry, border };
}
