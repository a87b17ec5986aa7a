import type { KeyObject } from 'node:crypto';
import { Stratum0Error } from '../errors.ts';
import { algorithmOf, CONTENT_HASH } from '../objects/hashes.ts';
import { NAME_PATTERN } from '../paths.ts';
import { readSignedText, type SignedText, signManifestText } from './signing.ts';

/**
 * What a client fetches first: `.cvmfspublished`. One field a line, named by its first letter as in the stock manifest
 * (CernVM-FS technical documentation, "Repository Manifest").
 */
export interface Manifest {
  /** C: hash of the root catalog. */
  readonly root: string;
  /** B: its size in bytes as a database, not compressed. */
  readonly rootSizeBytes: number;
  /** D: seconds for which a client may keep the manifest. */
  readonly ttlSeconds: number;
  /** S: counts up with each publish. */
  readonly revision: number;
  /** N */
  readonly name: string;
  /** X: hash of the certificate object. */
  readonly certificate: string;
  /** H: hash of the object that lists the named tags. */
  readonly history: string;
  /** T: when it was published, seconds since the epoch. */
  readonly publishedAt: number;
  /** G: whether unneeded objects are collected, so that mirrors know that objects may go. */
  readonly isCollected: boolean;
  /** M: hash of the repository's description for people; null: none. */
  readonly metainfo: string | null;
  /** Y: hash of `.cvmfsreflog`; null: none is kept. */
  readonly reflog: string | null;
}

/** R: MD5 of the root's path, the empty string. */
const ROOT_PATH_MD5 = 'd41d8cd98f00b204e9800998ecf8427e';
/** D: as the stock tools set it. */
export const MANIFEST_TTL_SECONDS = 240;

/** The signed bytes of the manifest. A is "no": no alternative names for catalogs are kept. */
export function encodeManifest(manifest: Manifest, key: KeyObject): Buffer {
  const lines = [
    `C${manifest.root}`,
    `B${manifest.rootSizeBytes}`,
    `R${ROOT_PATH_MD5}`,
    `D${manifest.ttlSeconds}`,
    `S${manifest.revision}`,
    `G${manifest.isCollected ? 'yes' : 'no'}`,
    'Ano',
    `N${manifest.name}`,
    `X${manifest.certificate}`,
    `H${manifest.history}`,
    `T${manifest.publishedAt}`,
    ...(manifest.metainfo === null ? [] : [`M${manifest.metainfo}`]),
    ...(manifest.reflog === null ? [] : [`Y${manifest.reflog}`]),
  ];
  return signManifestText(`${lines.join('\n')}\n`, key, algorithmOf(manifest.root));
}

/** Reads the fields; the signature is for the caller to verify, once it has the certificate. Throws `bad_manifest`. */
export function decodeManifest(bytes: Buffer, what: string): { manifest: Manifest; signed: SignedText } {
  const signed = readSignedText(bytes, what);
  const fields = new Map(signed.text.split('\n').map((line) => [line.slice(0, 1), line.slice(1)]));
  const field = (letter: string, pattern: RegExp): string => {
    const value = fields.get(letter);
    if (value === undefined || !pattern.test(value))
      throw new Stratum0Error(
        'bad_manifest',
        `${what}: field ${letter} is ${value === undefined ? 'missing' : `"${value}"`}`,
      );
    return value;
  };
  const count = /^\d{1,15}$/;
  const manifest: Manifest = {
    root: field('C', CONTENT_HASH),
    rootSizeBytes: Number(field('B', count)),
    ttlSeconds: Number(field('D', count)),
    revision: Number(field('S', count)),
    name: field('N', new RegExp(`^${NAME_PATTERN}$`)),
    certificate: field('X', CONTENT_HASH),
    history: field('H', CONTENT_HASH),
    publishedAt: Number(field('T', count)),
    isCollected: fields.get('G') === 'yes',
    metainfo: fields.has('M') ? field('M', CONTENT_HASH) : null,
    reflog: fields.has('Y') ? field('Y', CONTENT_HASH) : null,
  };
  field('R', new RegExp(`^${ROOT_PATH_MD5}$`));
  // Of repositories that only some may read: their clients find the first objects under other names, which we do not make.
  if (fields.get('A') === 'yes')
    throw new Stratum0Error('bad_manifest', `${what}: alternative paths of catalogs (field A) are not supported`);
  return { manifest, signed };
}
