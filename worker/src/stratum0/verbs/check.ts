import { readFile } from 'node:fs/promises';
import { type BytePath, forPeople } from '../byte-path.ts';
import type { Catalog, CatalogReference } from '../catalog/catalog.ts';
import { addCounters, COUNTERS, type Counters, NO_COUNTS } from '../catalog/counters.ts';
import { type CatalogEntry, sameEntry } from '../catalog/entry.ts';
import type { Context } from '../context.ts';
import { Stratum0Error } from '../errors.ts';
import { decodeReflog, REFERENCE_SUFFIXES, type Reference } from '../history/reflog.ts';
import { hasHash } from '../objects/hashes.ts';
import { objectName } from '../objects/object-store.ts';
import type { RepositoryPaths } from '../paths.ts';
import type { Published } from '../published.ts';
import { currentManifest, existingRepository, openServed } from '../repository.ts';
import { withRepositoryLock } from '../transaction/lock.ts';
import { MARKER } from '../tree/scan.ts';

/** Problems told one by one; the rest are only counted. */
const PROBLEMS_SHOWN = 50;

/** What is shared while catalogs are checked. */
interface Inspection {
  readonly published: Published;
  readonly problem: (what: string) => void;
  /** Content that was read already, with its size. */
  readonly contents: Set<string>;
  /** Names of the objects that were read. */
  readonly objects: Set<string>;
  entries: number;
  catalogs: number;
}

/**
 * Verifies everything that the manifest leads to: signatures, history, reflog, every catalog (structure, references,
 * counters, links), every object's hash and size; of older revisions that have a name, or are in the log of references, that
 * all of it can be read. Throws `check_failed` after all problems have been told, or the error of a manifest or whitelist that
 * cannot be used.
 */
export async function checkRepository(context: Context, name: string): Promise<void> {
  const paths = existingRepository(context, name);
  const published = await openServed(context, paths);
  let problems = 0;
  const problem = (what: string): void => {
    problems += 1;
    if (problems <= PROBLEMS_SHOWN) context.say(what);
  };
  const inspection: Inspection = {
    published,
    problem,
    contents: new Set(),
    objects: new Set(),
    entries: 0,
    catalogs: 0,
  };
  const { root, rootSizeBytes } = published.manifest;
  await checkCatalog(inspection, '', { hash: root, sizeBytes: rootSizeBytes }, null);
  await checkNamedObjects(context, inspection, paths);
  const { entries, catalogs, objects } = inspection;
  if (problems > 0)
    throw new Stratum0Error(
      'check_failed',
      `${name}: ${problems} problems in ${entries} entries, ${catalogs} catalogs and ${objects.size} objects`,
    );
  context.say(
    `${name}: no problems found (revision ${published.manifest.revision}, ${entries} entries, ${catalogs} catalogs, ${objects.size} objects)`,
  );
}

/** Runs `work`; an error of ours becomes a problem, named by `what`. */
async function telling<T>({ problem }: Inspection, what: string, work: () => Promise<T>): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Stratum0Error)) throw error;
    problem(`${what}: ${error.message}`);
    return null;
  }
}

/** The history and the root catalogs of its tags, the description, the reflog. */
async function checkNamedObjects(context: Context, inspection: Inspection, paths: RepositoryPaths): Promise<void> {
  const { published } = inspection;
  const { manifest } = published;
  const tags = (await telling(inspection, 'history', () => published.tags())) ?? [];
  for (const tag of tags)
    await checkOlder(inspection, `tag ${tag.name}`, '', { hash: tag.root, sizeBytes: tag.rootSizeBytes });
  const { metainfo, reflog } = manifest;
  if (metainfo !== null) await telling(inspection, 'description', () => published.object(metainfo, 'M'));
  if (reflog === null) return;
  await telling(inspection, 'reflog', async () => {
    const image = await readFile(paths.reflog).catch(() => Buffer.alloc(0));
    const log = decodeReflog(image);
    const logged = new Set(log.map(({ hash }) => hash));
    for (const hash of [manifest.root, manifest.certificate, manifest.history, metainfo])
      if (hash !== null && !logged.has(hash)) inspection.problem(`reflog: ${hash} is missing`);
    await checkLogged(inspection, log);
    if (hasHash(image, reflog) || (await isReplacedNow(context, paths, reflog))) return;
    const before = await readFile(paths.reflogBefore).catch(() => Buffer.alloc(0));
    const remedy = hasHash(before, reflog)
      ? ': a publish died before its own was in place; the next one puts it right'
      : '';
    inspection.problem(`reflog: it is not the one that the manifest names${remedy}`);
  });
}

/** Whether another command replaces log and manifest, which come one after the other, or has done so since they were read. */
async function isReplacedNow(context: Context, paths: RepositoryPaths, reflog: string): Promise<boolean> {
  try {
    await withRepositoryLock({ ...context, fence: null }, paths, async () => {});
  } catch (error) {
    if (!(error instanceof Stratum0Error)) throw error;
    return error.code === 'busy';
  }
  return (await currentManifest(paths)).reflog !== reflog;
}

/** What the log refers to besides: garbage collection reads it, and clients may still be at such a revision. */
async function checkLogged(inspection: Inspection, log: readonly Reference[]): Promise<void> {
  const { published, objects } = inspection;
  for (const { hash, type } of log) {
    const suffix = REFERENCE_SUFFIXES[type];
    const name = objectName(hash, suffix);
    if (type === 'catalog') await checkOlder(inspection, 'log of references', '', { hash, sizeBytes: 0 });
    else if (!objects.has(name)) {
      objects.add(name);
      await telling(inspection, 'log of references', () => published.object(hash, suffix));
    }
  }
}

/** A catalog of a revision of before, with what it leads to, as far as that was not read for another one. */
async function checkOlder(
  inspection: Inspection,
  what: string,
  mountpoint: BytePath,
  reference: CatalogReference,
): Promise<void> {
  const { published, objects } = inspection;
  const name = objectName(reference.hash, 'C');
  if (objects.has(name)) return;
  objects.add(name);
  await telling(inspection, what, async () => {
    const catalog = await published.catalog(mountpoint, reference);
    const named = [...catalog.objects()];
    const nested = catalog.nested();
    catalog.close();
    for (const [hash, suffix] of named) {
      if (objects.has(objectName(hash, suffix))) continue;
      objects.add(objectName(hash, suffix));
      await telling(inspection, `${what}: /${forPeople(mountpoint)}`, () => published.object(hash, suffix));
    }
    for (const [path, below] of nested) await checkOlder(inspection, what, path, below);
  });
}

/** One catalog with those below it. Gives what it and they count. */
async function checkCatalog(
  inspection: Inspection,
  mountpoint: BytePath,
  reference: CatalogReference,
  transition: CatalogEntry | null,
): Promise<Counters> {
  const what = `catalog /${forPeople(mountpoint)}`;
  inspection.objects.add(objectName(reference.hash, 'C'));
  const catalog = await telling(inspection, what, () => inspection.published.catalog(mountpoint, reference));
  if (catalog === null) return NO_COUNTS;
  inspection.catalogs += 1;
  try {
    const inspect = async () => {
      checkBorder(inspection, catalog, transition);
      const listed = await checkListing(inspection, catalog, mountpoint);
      const self = catalog.countSelf();
      const rows = self.dir + self.regular + self.symlink + self.special;
      if (listed + 1 !== rows) inspection.problem(`${what}: ${rows - listed - 1} entries belong to no directory of it`);
      const below = await checkNested(inspection, catalog);
      const counts = catalog.counts();
      compareCounters(inspection, `${what}: self`, self, counts.self);
      compareCounters(inspection, `${what}: subtree`, below, counts.subtree);
      return addCounters(self, below);
    };
    return (await telling(inspection, what, inspect)) ?? NO_COUNTS;
  } finally {
    catalog.close();
  }
}

function compareCounters({ problem }: Inspection, what: string, counted: Counters, written: Counters): void {
  for (const name of COUNTERS)
    if (counted[name] !== written[name])
      problem(`${what}_${name} is ${written[name]}, but ${counted[name]} were counted`);
}

async function checkNested(inspection: Inspection, catalog: Catalog): Promise<Counters> {
  const totals: Counters[] = [];
  for (const [path, reference] of catalog.nested()) {
    const transition = catalog.lookup(path);
    if (transition?.border !== 'transition')
      inspection.problem(`/${forPeople(path)}: a nested catalog is registered, but no directory leads to it`);
    totals.push(await checkCatalog(inspection, path, reference, transition));
  }
  return addCounters(...totals);
}

/** A catalog's own directory: listed, and as the catalog above has it. */
function checkBorder({ problem }: Inspection, catalog: Catalog, transition: CatalogEntry | null): void {
  const path = `/${forPeople(catalog.mountpoint)}`;
  const own = catalog.lookup(catalog.mountpoint);
  const prefix = catalog.property('root_prefix') ?? '';
  if (prefix !== (catalog.mountpoint === '' ? '' : `/${catalog.mountpoint}`))
    problem(`${path}: the catalog is made for ${forPeople(prefix)}`);
  if (own?.type !== 'directory') {
    problem(`${path}: the catalog does not list its own directory`);
    return;
  }
  const isNested = catalog.mountpoint !== '';
  if ((own.border === 'root') !== isNested) problem(`${path}: the catalog's directory has wrong flags`);
  if (transition !== null && !sameEntry(transition, own)) problem(`${path}: both catalogs that list it differ`);
  if (isNested && catalog.lookup(`${catalog.mountpoint}/${MARKER}`) === null)
    problem(`${path}: a nested catalog without ${MARKER}`);
}

/** What is in a directory and below it, within one catalog. Gives the number of entries. */
async function checkListing(inspection: Inspection, catalog: Catalog, directory: BytePath): Promise<number> {
  const entries = catalog.list(directory);
  const nested = catalog.nested();
  let listed = entries.length;
  for (const entry of entries) {
    inspection.entries += 1;
    checkEntry(inspection, catalog, entry);
    if (entry.border === 'transition') {
      if (!nested.has(entry.path))
        inspection.problem(`/${forPeople(entry.path)}: its nested catalog is not registered`);
      if (catalog.list(entry.path).length > 0)
        inspection.problem(`/${forPeople(entry.path)}: is listed in two catalogs`);
    } else if (entry.type === 'directory') listed += await checkListing(inspection, catalog, entry.path);
    else if (entry.type === 'file') await checkContent(inspection, entry);
  }
  checkLinks(inspection, catalog, directory, entries);
  return listed;
}

function checkEntry({ problem }: Inspection, catalog: Catalog, entry: CatalogEntry): void {
  const path = `/${forPeople(entry.path)}`;
  if (catalog.lookup(entry.path) === null) problem(`${path}: its key is not the hash of its path`);
  if (entry.type === 'symlink' && entry.sizeBytes !== entry.target?.length) problem(`${path}: its size is wrong`);
  if (entry.type !== 'file' && entry.hash !== null) problem(`${path}: it cannot have content`);
  if (entry.type === 'directory' && entry.linkGroup > 0) problem(`${path}: a directory cannot have hard links`);
  if (entry.path.endsWith(`/${MARKER}`) && entry.path !== `${catalog.mountpoint}/${MARKER}`)
    problem(`${path}: a marker without a nested catalog`);
}

function checkLinks(
  { problem }: Inspection,
  catalog: Catalog,
  directory: BytePath,
  entries: readonly CatalogEntry[],
): void {
  const directories = entries.filter(({ type }) => type === 'directory').length;
  const own = catalog.lookup(directory);
  if (own !== null && own.linkCount !== directories + 2)
    problem(`/${forPeople(directory)}: its link count is ${own.linkCount}, not ${directories + 2}`);
  const groups = Map.groupBy(
    entries.filter(({ linkGroup }) => linkGroup > 0),
    ({ linkGroup }) => linkGroup,
  );
  for (const entry of entries.filter(({ type }) => type !== 'directory')) {
    const names = entry.linkGroup === 0 ? 1 : (groups.get(entry.linkGroup)?.length ?? 0);
    if (entry.linkCount !== names)
      problem(`/${forPeople(entry.path)}: its link count is ${entry.linkCount}, but it has ${names} names`);
    const [first = entry] = groups.get(entry.linkGroup) ?? [];
    if (!sameEntry(first, entry))
      problem(`/${forPeople(entry.path)}: it is not as ${forPeople(first.path)} is, of which it is a hard link`);
  }
}

/** A chunked file may have its content as a whole, too: for clients of long ago. */
async function checkContent(inspection: Inspection, entry: CatalogEntry): Promise<void> {
  const { hash: whole, chunks, sizeBytes } = entry;
  const key = `${whole} ${chunks.map(({ hash }) => hash).join()} ${sizeBytes}`;
  if (inspection.contents.has(key)) return;
  inspection.contents.add(key);
  if (whole !== null) inspection.objects.add(objectName(whole, ''));
  for (const { hash } of chunks) inspection.objects.add(objectName(hash, 'P'));
  await telling(inspection, `/${forPeople(entry.path)}`, async () => {
    for await (const part of inspection.published.parts(entry)) void part;
    if (whole !== null && chunks.length > 0)
      for await (const all of inspection.published.parts({ ...entry, chunks: [] })) void all;
  });
}
