import type { KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type BytePath, forPeople, toBytes } from './byte-path.ts';
import { type Catalog, type CatalogReference, loadCatalog } from './catalog/catalog.ts';
import { type CatalogEntry, comparePaths } from './catalog/entry.ts';
import { Stratum0Error, systemCode } from './errors.ts';
import { decodeHistory, type Tag } from './history/history.ts';
import { type ObjectSuffix, objectName, unpackObject } from './objects/object-store.ts';
import { readCertificate } from './trust/keys.ts';
import { decodeManifest, type Manifest } from './trust/manifest.ts';
import { verifyManifestText } from './trust/signing.ts';
import { decodeWhitelist, isListed, type Whitelist } from './trust/whitelist.ts';

/** A published repository whose manifest has been verified. */
export interface Published {
  readonly manifest: Manifest;
  readonly whitelist: Whitelist;
  /** A catalog, checked against its reference (default: the root catalog of the manifest). */
  catalog(mountpoint?: BytePath, reference?: CatalogReference): Promise<Catalog>;
  /** All names with what the catalogs say of them, in the order of their paths; `root`: of another revision. */
  entries(root?: CatalogReference): Promise<CatalogEntry[]>;
  /** A file's content in its parts, each checked against its hash and size. */
  parts(entry: CatalogEntry): AsyncGenerator<Buffer>;
  /** A file's content as a whole. */
  content(entry: CatalogEntry): Promise<Buffer>;
  tags(): Promise<Tag[]>;
  /** An object that the manifest names, unpacked and checked. */
  object(hash: string, suffix: ObjectSuffix): Promise<Buffer>;
}

/** One name of a published tree, with what it holds. */
export interface PublishedEntry {
  /** As text; see `pathBytes` for names that are not UTF-8. */
  readonly path: string;
  readonly pathBytes: Buffer;
  readonly type: CatalogEntry['type'];
  readonly mode: number;
  readonly sizeBytes: number;
  /** Seconds since the epoch. */
  readonly mtime: number;
  /** Of a file. */
  readonly content: Buffer | null;
  /** Of a symbolic link. */
  readonly target: string | null;
}

/** Where to read from: `http://…/cvmfs/NAME`, or the directory that is served there. */
export type PublishedSource = string;

/**
 * Fetches and verifies a repository from its manifest down, as a client does: whitelist signed by the master key and not
 * expired, certificate in the whitelist, manifest signed by the certificate. Throws a {@link Stratum0Error} that names
 * what is wrong.
 */
export async function openPublished(
  source: PublishedSource,
  publicKey: KeyObject,
  options: { readonly now?: number } = {},
): Promise<Published> {
  const whitelist = decodeWhitelist(await fetchFrom(source, '.cvmfswhitelist'), publicKey, '.cvmfswhitelist');
  const { manifest, signed } = decodeManifest(await fetchFrom(source, '.cvmfspublished'), '.cvmfspublished');
  const now = options.now ?? Date.now();
  if (whitelist.expiresAt <= now)
    throw new Stratum0Error(
      'whitelist_expired',
      `the whitelist expired at ${new Date(whitelist.expiresAt).toISOString()}`,
    );
  if (whitelist.name !== manifest.name)
    throw new Stratum0Error(
      'bad_whitelist',
      `the whitelist is of "${whitelist.name}", the manifest of "${manifest.name}"`,
    );
  const certificate = readCertificate(await fetchObject(source, manifest.certificate, 'X'), 'the certificate object');
  if (!isListed(whitelist, certificate))
    throw new Stratum0Error('bad_whitelist', `the certificate ${certificate.fingerprint} is not in the whitelist`);
  verifyManifestText(signed, certificate.publicKey, '.cvmfspublished');
  return readerOf(source, manifest, whitelist);
}

function readerOf(source: PublishedSource, manifest: Manifest, whitelist: Whitelist): Published {
  const root: CatalogReference = { hash: manifest.root, sizeBytes: manifest.rootSizeBytes };
  const catalog = async (mountpoint: BytePath = '', reference: CatalogReference = root): Promise<Catalog> => {
    const image = await fetchObject(source, reference.hash, 'C');
    // Size 0: told by nobody.
    if (reference.sizeBytes !== 0 && image.length !== reference.sizeBytes)
      throw new Stratum0Error(
        'damaged_object',
        `${objectName(reference.hash, 'C')} has ${image.length} bytes, its reference says ${reference.sizeBytes}`,
      );
    return loadCatalog(mountpoint, image, objectName(reference.hash, 'C'));
  };
  const parts = (entry: CatalogEntry) => partsOf(source, entry);
  return {
    manifest,
    whitelist,
    catalog,
    entries: async (of = root) => (await entriesOf(catalog, '', of)).sort(comparePaths),
    parts,
    async content(entry) {
      const all: Buffer[] = [];
      for await (const part of parts(entry)) all.push(part);
      return Buffer.concat(all);
    },
    tags: async () => decodeHistory(await fetchObject(source, manifest.history, 'H')),
    object: (hash, suffix) => fetchObject(source, hash, suffix),
  };
}

/** The names of a catalog and of those below it. The border of a nested catalog is told once, by the nested one. */
async function entriesOf(
  load: (mountpoint: BytePath, reference: CatalogReference) => Promise<Catalog>,
  mountpoint: BytePath,
  reference: CatalogReference,
): Promise<CatalogEntry[]> {
  const catalog = await load(mountpoint, reference);
  const found: CatalogEntry[] = [];
  try {
    const own = catalog.lookup(mountpoint);
    if (own?.type !== 'directory')
      throw new Stratum0Error('damaged_object', `the catalog at /${forPeople(mountpoint)} does not list its directory`);
    found.push(own);
    const visit = (directory: BytePath): void => {
      for (const entry of catalog.list(directory)) {
        if (entry.border === 'transition') continue;
        found.push(entry);
        if (entry.type === 'directory') visit(entry.path);
      }
    };
    visit(mountpoint);
    for (const [path, below] of catalog.nested())
      for (const entry of await entriesOf(load, path, below)) found.push(entry);
    return found;
  } finally {
    catalog.close();
  }
}

async function* partsOf(source: PublishedSource, entry: CatalogEntry): AsyncGenerator<Buffer> {
  const whole = entry.hash === null ? [] : [{ offset: 0, sizeBytes: entry.sizeBytes, hash: entry.hash }];
  const isChunked = entry.chunks.length > 0;
  if (entry.type !== 'file' || (whole.length === 0 && !isChunked))
    throw new Stratum0Error('damaged_object', `${forPeople(entry.path)} has no content`);
  let offset = 0;
  for (const part of isChunked ? entry.chunks : whole) {
    const content = await fetchObject(source, part.hash, isChunked ? 'P' : '');
    if (content.length !== part.sizeBytes || part.offset !== offset)
      throw new Stratum0Error(
        'damaged_object',
        `${forPeople(entry.path)}: an object has ${content.length} bytes for offset ${offset}, the catalog says ${part.sizeBytes} for ${part.offset}`,
      );
    offset += content.length;
    yield content;
  }
  if (offset !== entry.sizeBytes)
    throw new Stratum0Error(
      'damaged_object',
      `${forPeople(entry.path)}: its objects have ${offset} bytes, the catalog says ${entry.sizeBytes}`,
    );
}

/** Walks a published repository from the manifest down, verifying everything; yields every entry with its content. */
export async function* readPublished(
  source: PublishedSource,
  publicKey: KeyObject,
  options: { readonly now?: number } = {},
): AsyncGenerator<PublishedEntry, Manifest> {
  const published = await openPublished(source, publicKey, options);
  for (const entry of await published.entries()) {
    yield {
      path: forPeople(entry.path),
      pathBytes: toBytes(entry.path),
      type: entry.type,
      mode: entry.mode,
      sizeBytes: entry.sizeBytes,
      mtime: entry.mtime,
      content: entry.type === 'file' ? await published.content(entry) : null,
      target: entry.target === null ? null : forPeople(entry.target),
    };
  }
  return published.manifest;
}

/** Fetches, checks and unpacks an object. */
async function fetchObject(source: PublishedSource, hash: string, suffix: ObjectSuffix): Promise<Buffer> {
  return unpackObject(await fetchFrom(source, objectName(hash, suffix)), hash, suffix);
}

async function fetchFrom(source: PublishedSource, name: BytePath): Promise<Buffer> {
  if (!/^https?:/.test(source)) {
    try {
      return await readFile(join(source, name));
    } catch (error) {
      throw new Stratum0Error('missing_object', `${join(source, name)} cannot be read (${systemCode(error)})`);
    }
  }
  const url = `${source.replace(/\/$/, '')}/${name}`;
  let response: Response;
  try {
    response = await fetch(url);
  } catch (error) {
    throw new Stratum0Error('unreachable', `${url} cannot be fetched: ${String(error)}`);
  }
  if (!response.ok) throw new Stratum0Error('missing_object', `${url} is answered with ${response.status}`);
  return Buffer.from(await response.arrayBuffer());
}
