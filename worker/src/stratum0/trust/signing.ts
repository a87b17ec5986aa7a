import { constants, createHash, type KeyObject, privateEncrypt, publicDecrypt, sign, verify } from 'node:crypto';
import { Stratum0Error } from '../errors.ts';
import { contentHash, type HashAlgorithm, hasHash } from '../objects/hashes.ts';

/**
 * A signed text as CernVM-FS writes it: the text, a line `--`, the text's SHA-1 in hexadecimal and a line end, then the
 * signature of that hash in binary (CernVM-FS technical documentation, "Repository Manifest" and "Repository
 * Whitelist").
 */
export interface SignedText {
  /** With the line end before `--`. */
  readonly text: string;
  readonly hash: string;
  readonly signature: Buffer;
}

const SEPARATOR = '--\n';

/** SHA-1 in hexadecimal. CernVM-FS's default algorithm, so names of objects and signatures stay what its clients expect. */
export function hashOf(bytes: Uint8Array): string {
  return createHash('sha1').update(bytes).digest('hex');
}

/** Signs as a manifest is signed: PKCS #1 v1.5 with SHA-1, over the hash as text, which is of the repository's algorithm. */
export function signManifestText(text: string, key: KeyObject, algorithm: HashAlgorithm = 'sha1'): Buffer {
  const hash = contentHash(algorithm, Buffer.from(text));
  return assemble(text, hash, sign('sha1', Buffer.from(hash), key));
}

/** Signs as a whitelist is signed: the hexadecimal hash itself, padded (PKCS #1 v1.5) and encrypted with the private key. */
export function signWhitelistText(text: string, key: KeyObject): Buffer {
  const hash = hashOf(Buffer.from(text));
  return assemble(text, hash, privateEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, Buffer.from(hash)));
}

function assemble(text: string, hash: string, signature: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${text}${SEPARATOR}${hash}\n`), signature]);
}

/** Takes a signed text apart and checks its hash; `what` names it in errors. Throws `bad_signature`. */
export function readSignedText(bytes: Buffer, what: string): SignedText {
  const at = bytes.indexOf(`\n${SEPARATOR}`);
  if (at < 0) throw new Stratum0Error('bad_signature', `${what}: no line "--" before the signature`);
  const text = bytes.subarray(0, at + 1);
  const rest = bytes.subarray(at + 1 + SEPARATOR.length);
  const lineEnd = rest.indexOf('\n');
  const hash = rest.subarray(0, Math.max(lineEnd, 0)).toString('latin1');
  if (!hasHash(text, hash))
    throw new Stratum0Error('bad_signature', `${what}: the text does not have the hash "${hash}" that is given for it`);
  return { text: text.toString('utf8'), hash, signature: rest.subarray(lineEnd + 1) };
}

/** Throws `bad_signature` unless the text was signed as a manifest with the private half of `key`. */
export function verifyManifestText(signed: SignedText, key: KeyObject, what: string): void {
  if (!verify('sha1', Buffer.from(signed.hash), key, signed.signature))
    throw new Stratum0Error('bad_signature', `${what}: the signature does not belong to the repository's certificate`);
}

/** Throws `bad_signature` unless the text was signed as a whitelist with the private half of `key`. */
export function verifyWhitelistText(signed: SignedText, key: KeyObject, what: string): void {
  let plain: string;
  try {
    plain = publicDecrypt({ key, padding: constants.RSA_PKCS1_PADDING }, signed.signature).toString('latin1');
  } catch {
    plain = '';
  }
  if (plain !== signed.hash)
    throw new Stratum0Error('bad_signature', `${what}: the signature does not belong to the master key`);
}
