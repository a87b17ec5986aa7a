import {
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  type KeyObject,
  randomBytes,
  X509Certificate,
} from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { Context } from '../context.ts';
import { replaceFile } from '../disk.ts';
import { Stratum0Error } from '../errors.ts';
import type { RepositoryPaths } from '../paths.ts';
import { selfSignedCertificate } from './certificate.ts';

/** Bits of the RSA keys, as `cvmfs_server mkfs` makes them. */
const KEY_BITS = 2048;
/** As `cvmfs_server mkfs`: the certificate itself is trusted through the whitelist, which is renewed far more often. */
const CERTIFICATE_DAYS = 365;
const DAY_MS = 86_400_000;
const generate = promisify(generateKeyPair);

/**
 * Makes the keys of a repository where they are not there yet (a site may bring its own): `NAME.key` and `NAME.crt`
 * sign manifests, `NAME.masterkey` signs whitelists, `NAME.pub` is what clients are given. A half that is missing is made from
 * the other one: who made that may have died. Throws `bad_key` where it is the public half that is there: no key is replaced.
 */
export async function ensureKeys(context: Context, paths: RepositoryPaths): Promise<void> {
  await context.disk.makeDirectory(`${context.directory}/keys`, 0o700);
  for (const [secret, open] of [
    [paths.privateKey, paths.certificate],
    [paths.masterKey, paths.publicKey],
  ] as const)
    if (!existsSync(secret) && existsSync(open))
      throw new Stratum0Error('bad_key', `${open} belongs to a key that is missing: put ${secret} there, or remove it`);
  if (!existsSync(paths.privateKey)) await makeRepositoryKey(context, paths);
  else if (!existsSync(paths.certificate))
    await writeCertificate(context, paths, await readKey(paths.privateKey, createPrivateKey));
  if (!existsSync(paths.masterKey)) await writeSecret(context, paths.masterKey, await newKey());
  if (!existsSync(paths.publicKey)) {
    const publicKey = createPublicKey(await readKey(paths.masterKey, createPrivateKey));
    await writeKey(context, paths.publicKey, publicKey.export({ type: 'spki', format: 'pem' }), 0o644);
  }
}

/** Makes a key that signs manifests, with its certificate; those that there were are replaced. */
export async function makeRepositoryKey(context: Context, paths: RepositoryPaths): Promise<void> {
  const key = await newKey();
  await writeSecret(context, paths.privateKey, key);
  await writeCertificate(context, paths, key);
}

async function newKey(): Promise<KeyObject> {
  return (await generate('rsa', { modulusLength: KEY_BITS })).privateKey;
}

function writeSecret(context: Context, path: string, key: KeyObject): Promise<void> {
  return writeKey(context, path, key.export({ type: 'pkcs8', format: 'pem' }), 0o600);
}

function writeCertificate(context: Context, paths: RepositoryPaths, privateKey: KeyObject): Promise<void> {
  const from = context.now();
  const certificate = selfSignedCertificate({
    commonName: `${paths.name} CernVM-FS Release Managers`,
    privateKey,
    publicKey: createPublicKey(privateKey),
    serial: randomBytes(18),
    from,
    until: from + CERTIFICATE_DAYS * DAY_MS,
  });
  return writeKey(context, paths.certificate, certificate, 0o644);
}

function writeKey(context: Context, path: string, pem: string | Buffer, mode: number): Promise<void> {
  return replaceFile(context.disk, path, `${path}.new`, Buffer.from(pem), mode);
}

/**
 * The key that signs manifests under a certificate. Throws `bad_key` also where it is another certificate's: clients would
 * refuse whatever it signs.
 */
export async function manifestKey(paths: RepositoryPaths, certificate: X509Certificate): Promise<KeyObject> {
  const key = await readKey(paths.privateKey, createPrivateKey);
  if (!certificate.checkPrivateKey(key))
    throw new Stratum0Error(
      'bad_key',
      `${paths.privateKey} is not the key of the certificate ${certificate.fingerprint}: put the right one there`,
    );
  return key;
}

/** The key that signs whitelists. Throws `bad_key` also where clients are given the public half of another one. */
export async function whitelistKey(paths: RepositoryPaths): Promise<KeyObject> {
  const key = await readKey(paths.masterKey, createPrivateKey);
  if (!createPublicKey(key).equals(await readPublicKey(paths.publicKey)))
    throw new Stratum0Error(
      'bad_key',
      `${paths.masterKey} is not the master key of ${paths.publicKey}: put the right one there`,
    );
  return key;
}

/** Reads the public key from a PEM file. Throws `bad_key`, naming the file. */
export async function readPublicKey(path: string): Promise<KeyObject> {
  return readKey(path, createPublicKey);
}

async function readKey(path: string, read: (pem: Buffer) => KeyObject): Promise<KeyObject> {
  try {
    return read(await readFile(path));
  } catch (error) {
    throw new Stratum0Error('bad_key', `the key ${path} cannot be read: ${String(error)}`);
  }
}

/** Reads a certificate from PEM. Throws `bad_key`; `what` names it. */
export function readCertificate(pem: Buffer, what: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch {
    throw new Stratum0Error('bad_key', `${what} is not a certificate in PEM form`);
  }
}
