import { constants, createHash, createPublicKey, type KeyObject, publicDecrypt, X509Certificate } from 'node:crypto';

/**
 * A whitelist says which certificates may sign a repository's manifest, until when; the master key signs it (CernVM-FS
 * technical documentation, "Repository Whitelist"): time of signing, `E` expiry, `N` name, fingerprints; a line `--`; the
 * SHA-1 of these lines (or another hash, with its name behind it); that hash encrypted with the private key.
 */
export interface WhitelistHead {
  readonly name: string;
  /** Milliseconds since the epoch: the beginning of the hour that is written, since clients look no closer. */
  readonly expiresAt: number;
  /** `AA:BB:…`: SHA-1, or another hash with its name behind it (`AA:BB:…-RMD160`). */
  readonly fingerprints: readonly string[];
}

/** Whoever signed it, it is not what clients would accept. */
export class WhitelistError extends Error {
  readonly code = 'bad_whitelist';
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'WhitelistError';
  }
}

/** Reads the lines before the signature, which are not verified. Throws {@link WhitelistError}. */
export function readWhitelistHead(text: string): WhitelistHead {
  const [, expires = '', name = '', ...rest] = text.trimEnd().split('\n');
  const time = /^E(\d{4})(\d\d)(\d\d)(\d\d)\d{4}$/.exec(expires);
  if (time === null || !name.startsWith('N'))
    throw new WhitelistError('the lines E (expiry) and N (name) are not where they belong');
  const [year, month, day, hour] = time.slice(1).map(Number);
  const expiresAt = Date.UTC(year ?? 0, (month ?? 1) - 1, day, hour);
  // A comment may follow, with or without a "#".
  const fingerprints = rest.map((line) => line.replace(/[ \t#].*$/, '').toUpperCase()).filter((line) => line !== '');
  return { name: name.slice(1), expiresAt, fingerprints };
}

/** What a whitelist must agree with. */
export interface WhitelistChecks {
  readonly name: string;
  /** PEM of the master key's public half. */
  readonly publicKey: string;
  /** PEM of the certificate with which the repository is signed now. */
  readonly certificate: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/**
 * Verifies a whitelist as a client would: hash, signature, name, expiry, and that it lists the repository's certificate.
 * Throws {@link WhitelistError} with what is wrong.
 */
export function verifyWhitelist(bytes: Buffer, checks: WhitelistChecks): WhitelistHead {
  const at = bytes.indexOf('\n--\n');
  if (at === -1) throw new WhitelistError('it is no whitelist: there is no signature');
  const text = bytes.subarray(0, at + 1);
  const rest = bytes.subarray(at + 4);
  const lineEnd = rest.indexOf('\n');
  const hash = rest.subarray(0, Math.max(lineEnd, 0)).toString('latin1');
  if (hashLike(hash, text) !== hash) throw new WhitelistError('its text does not have the hash that is given for it');
  if (decrypted(rest.subarray(lineEnd + 1), keyOf(checks.publicKey)) !== hash)
    throw new WhitelistError('it was not signed with the master key');
  const head = readWhitelistHead(text.toString('utf8'));
  if (head.name !== checks.name) throw new WhitelistError(`it is of ${head.name}, not of ${checks.name}`);
  if (head.expiresAt <= checks.now)
    throw new WhitelistError(`it has expired on ${new Date(head.expiresAt).toISOString().slice(0, 10)}`);
  const certificate = certificateOf(checks.certificate);
  const hashes = head.fingerprints.map((fingerprint) => fingerprint.replaceAll(':', '').toLowerCase());
  if (!hashes.some((one) => one === hashLike(one, certificate)))
    throw new WhitelistError('it does not list the certificate with which the repository is signed');
  return head;
}

function keyOf(pem: string): KeyObject {
  try {
    return createPublicKey(pem);
  } catch (error) {
    throw new WhitelistError('the public key cannot be read', { cause: error });
  }
}

/** The hash of the bytes in the form of another one: 40 digits, and the name of its algorithm where that is not SHA-1. */
function hashLike(other: string, bytes: Uint8Array): string {
  if (other.endsWith('-shake128'))
    return `${createHash('shake128', { outputLength: 20 }).update(bytes).digest('hex')}-shake128`;
  if (other.endsWith('-rmd160')) return `${createHash('rmd160').update(bytes).digest('hex')}-rmd160`;
  return createHash('sha1').update(bytes).digest('hex');
}

function certificateOf(pem: string): Buffer {
  try {
    return new X509Certificate(pem).raw;
  } catch (error) {
    throw new WhitelistError('the certificate of the repository cannot be read', { cause: error });
  }
}

/** Empty where the signature is of another key. */
function decrypted(signature: Buffer, key: KeyObject): string {
  try {
    return publicDecrypt({ key, padding: constants.RSA_PKCS1_PADDING }, signature).toString('latin1');
  } catch {
    return '';
  }
}
