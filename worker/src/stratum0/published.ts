import type { KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type BytePath, forPeople, toBytes } from './byte-path.ts';
import { Stratum0Error, systemCode } from './errors.ts';
import { decodeHistory, type Tag } from './history.ts';
import { readCertificate } from './keys.ts';
import { decodeManifest, type Manifest } from './manifest.ts';
import { type ObjectSuffix, objectName, unpackObject } from './object-store.ts';
import { verifyManifestText } from './signing.ts';
import { decodeSnapshot, type SnapshotEntry } from './snapshot.ts';
import { decodeWhitelist, type Whitelist } from './whitelist.ts';

/** A published repository whose manifest has been verified. */
export interface Published {
  readonly manifest: Manifest;
  readonly whitelist: Whitelist;
  /** The listing, checked against the manifest. */
  entries(): Promise<SnapshotEntry[]>;
  /** A file's content, checked against its hash and size. */
  content(entry: SnapshotEntry): Promise<Buffer>;
  tags(): Promise<Tag[]>;
}

/** One name of a published tree, with what it holds. */
export interface PublishedEntry {
  /** As text; see `pathBytes` for names that are not UTF-8. */
  readonly path: string;
  readonly pathBytes: Buffer;
  readonly type: SnapshotEntry['type'];
  readonly mode: number;
  readonly sizeBytes: number;
  readonly mtimeNs: bigint;
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
  if (!whitelist.fingerprints.includes(certificate.fingerprint))
    throw new Stratum0Error('bad_whitelist', `the certificate ${certificate.fingerprint} is not in the whitelist`);
  verifyManifestText(signed, certificate.publicKey, '.cvmfspublished');
  return {
    manifest,
    whitelist,
    entries: async () => decodeSnapshot(await fetchObject(source, manifest.root, 'C')),
    content: (entry) => contentOf(source, entry),
    tags: async () => decodeHistory(await fetchObject(source, manifest.history, 'H')),
  };
}

async function contentOf(source: PublishedSource, entry: SnapshotEntry): Promise<Buffer> {
  if (entry.hash === null) throw new Stratum0Error('bad_snapshot', `${forPeople(entry.path)} is not a file`);
  const content = await fetchObject(source, entry.hash, '');
  if (content.length !== entry.sizeBytes)
    throw new Stratum0Error(
      'damaged_object',
      `${forPeople(entry.path)}: the object has ${content.length} bytes, the snapshot says ${entry.sizeBytes}`,
    );
  return content;
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
      mtimeNs: entry.mtimeNs,
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
