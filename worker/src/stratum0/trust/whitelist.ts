import type { KeyObject, X509Certificate } from 'node:crypto';
import { Stratum0Error } from '../errors.ts';
import { CONTENT_HASH, hasHash } from '../objects/hashes.ts';
import { readSignedText, signWhitelistText, verifyWhitelistText } from './signing.ts';

/**
 * Which certificates may sign a repository's manifest, until when: `.cvmfswhitelist`, signed with the master key
 * (CernVM-FS technical documentation, "Repository Whitelist").
 */
export interface Whitelist {
  readonly name: string;
  /** Milliseconds since the epoch, whole seconds. */
  readonly signedAt: number;
  /** From then on no client trusts it: as read, the beginning of the hour that is written, since clients look no closer. */
  readonly expiresAt: number;
  /** Of certificates, `AA:BB:…`: SHA-1, or another hash with its name behind it (`AA:BB:…-RMD160`). */
  readonly fingerprints: readonly string[];
}

/** As `cvmfs_server resign` without `-d`. */
export const WHITELIST_DAYS = 30;
const HOUR_MS = 3_600_000;
/** Below this a transaction warns, as `cvmfs_server transaction` does. */
export const WHITELIST_WARNING_MS = 12 * HOUR_MS;

/** `YYYYMMDDHHMMSS` in UTC. */
function stamp(ms: number): string {
  return new Date(ms).toISOString().replace(/\D/g, '').slice(0, 14);
}

function fromStamp(text: string, what: string): number {
  const iso = text.replace(/^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/, '$1-$2-$3T$4:$5:$6Z');
  const ms = Date.parse(iso);
  if (iso === text || Number.isNaN(ms)) throw new Stratum0Error('bad_whitelist', `${what}: "${text}" is not a time`);
  return ms;
}

export function encodeWhitelist(whitelist: Whitelist, masterKey: KeyObject): Buffer {
  const lines = [
    stamp(whitelist.signedAt),
    `E${stamp(whitelist.expiresAt)}`,
    `N${whitelist.name}`,
    ...whitelist.fingerprints,
  ];
  return signWhitelistText(`${lines.join('\n')}\n`, masterKey);
}

/** Reads a whitelist and verifies its signature, not its expiry. Throws `bad_signature` or `bad_whitelist`. */
export function decodeWhitelist(bytes: Buffer, publicKey: KeyObject, what: string): Whitelist {
  const signed = readSignedText(bytes, what);
  verifyWhitelistText(signed, publicKey, what);
  const [signedAt = '', expires = '', name = '', ...rest] = signed.text.trimEnd().split('\n');
  if (!expires.startsWith('E') || !name.startsWith('N'))
    throw new Stratum0Error('bad_whitelist', `${what}: the lines E (expiry) and N (name) are not where they belong`);
  const expiresAt = fromStamp(expires.slice(1), what);
  return {
    name: name.slice(1),
    signedAt: fromStamp(signedAt, what),
    expiresAt: expiresAt - (expiresAt % HOUR_MS),
    // A comment may follow, with or without a "#".
    fingerprints: rest.map((line) => line.replace(/[ \t#].*$/, '').toUpperCase()).filter((line) => line !== ''),
  };
}

/** Whether a certificate is one of those that may sign manifests. */
export function isListed({ fingerprints }: Whitelist, certificate: X509Certificate): boolean {
  return fingerprints.some((fingerprint) => {
    const hash = fingerprint.replaceAll(':', '').toLowerCase();
    return CONTENT_HASH.test(hash) && hasHash(certificate.raw, hash);
  });
}
