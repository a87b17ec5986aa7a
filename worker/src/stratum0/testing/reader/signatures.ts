import { constants, createHash, createVerify, publicDecrypt, X509Certificate } from 'node:crypto';

// A second implementation, for tests only: it reads what a repository offers with nothing of the publisher's code. Source
// of its rules: the CernVM-FS technical documentation, "Repository Manifest (.cvmfspublished)" and "Signature Validation".

export const sha1 = (bytes: Uint8Array): string => createHash('sha1').update(bytes).digest('hex');

/** Digits and, but for SHA-1, a dash and the algorithm: by the algorithm of another such hash. */
export function hashLike(other: string, bytes: Uint8Array): string {
  const [, algorithm] = other.split('-');
  if (algorithm === undefined) return sha1(bytes);
  const options = algorithm === 'shake128' ? { outputLength: 20 } : {};
  return `${createHash(algorithm, options).update(bytes).digest('hex')}-${algorithm}`;
}

/** A text with its signature: lines, a line `--`, the hash of the lines in hexadecimal, the signature in binary. */
interface Signed {
  readonly lines: readonly string[];
  readonly hash: Buffer;
  readonly signature: Buffer;
}

function split(file: Buffer, what: string): Signed {
  const mark = file.indexOf('\n--\n');
  if (mark < 0) throw new Error(`${what}: no separator`);
  const body = file.subarray(0, mark + 1);
  const end = file.indexOf('\n', mark + 4);
  const hash = file.subarray(mark + 4, end);
  if (hash.toString() !== hashLike(hash.toString(), body)) throw new Error(`${what}: the hash is not that of the text`);
  return { lines: body.toString().trimEnd().split('\n'), hash, signature: file.subarray(end + 1) };
}

export interface ReadWhitelist {
  readonly name: string;
  readonly expires: Date;
  readonly fingerprints: readonly string[];
}

/** The master key's signature is the hash itself, encrypted with the private key. */
export function readWhitelist(file: Buffer, masterKey: string): ReadWhitelist {
  const { lines, hash, signature } = split(file, 'whitelist');
  const plain = publicDecrypt({ key: masterKey, padding: constants.RSA_PKCS1_PADDING }, signature);
  if (!plain.equals(hash)) throw new Error('whitelist: the signature is of something else');
  const [signed = '', expires = '', name = '', ...fingerprints] = lines;
  if (!/^\d{14}$/.test(signed) || !/^E\d{14}$/.test(expires) || !name.startsWith('N'))
    throw new Error(`whitelist: unexpected lines ${lines.join()}`);
  const [, year, month, day, hour, minute, second] = /^E(....)(..)(..)(..)(..)(..)$/.exec(expires) ?? [];
  return {
    name: name.slice(1),
    expires: new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`),
    fingerprints: fingerprints.map((line) => line.split(' ')[0] ?? ''),
  };
}

/** The manifest's fields by their letters; {@link verifyManifest} tells whether they can be trusted. */
export function readManifest(file: Buffer): { readonly fields: ReadonlyMap<string, string>; readonly signed: Signed } {
  const signed = split(file, 'manifest');
  const fields = new Map<string, string>();
  for (const line of signed.lines) {
    const letter = line.slice(0, 1);
    if (fields.has(letter)) throw new Error(`manifest: ${letter} is given twice`);
    fields.set(letter, line.slice(1));
  }
  const forms: Record<string, RegExp> = {
    C: /^[0-9a-f]{40}(-rmd160|-shake128)?$/,
    B: /^[1-9]\d*$/,
    R: /^d41d8cd98f00b204e9800998ecf8427e$/,
    D: /^[1-9]\d*$/,
    S: /^[1-9]\d*$/,
    G: /^(yes|no)$/,
    A: /^(yes|no)$/,
    N: /^[a-z0-9.-]+$/,
    X: /^[0-9a-f]{40}(-rmd160|-shake128)?$/,
    H: /^[0-9a-f]{40}(-rmd160|-shake128)?$/,
    T: /^[1-9]\d*$/,
    M: /^[0-9a-f]{40}(-rmd160|-shake128)?$/,
    Y: /^[0-9a-f]{40}(-rmd160|-shake128)?$/,
  };
  if ([...fields.keys()].join('') !== Object.keys(forms).join(''))
    throw new Error(`manifest: the fields are ${[...fields.keys()].join('')}`);
  for (const [letter, value] of fields)
    if (forms[letter]?.test(value) !== true) throw new Error(`manifest: ${letter} is "${value}"`);
  return { fields, signed };
}

/** The repository key signs the hash; its certificate is trusted by its fingerprint in the whitelist. */
export function verifyManifest(signed: Signed, pem: Buffer, whitelist: ReadWhitelist): void {
  const certificate = new X509Certificate(pem);
  if (!whitelist.fingerprints.includes(certificate.fingerprint)) throw new Error('the certificate is not whitelisted');
  if (!createVerify('sha1').update(signed.hash).verify(certificate.publicKey, signed.signature))
    throw new Error('manifest: the signature is not of the certificate');
}
