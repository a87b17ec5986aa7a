import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { contentHash, HASH_ALGORITHMS, type HashAlgorithm } from '../objects/hashes.ts';
import { readCertificate, readPublicKey } from './keys.ts';
import { decodeManifest, encodeManifest } from './manifest.ts';
import { hashOf, readSignedText, verifyManifestText } from './signing.ts';
import { decodeWhitelist, encodeWhitelist, isListed } from './whitelist.ts';

/** Made by the stock tools (cvmfs_server 2.12). */
const STOCK = join(import.meta.dirname, '..', 'fixtures', 'stock');
const stock = (name: string) => readFileSync(join(STOCK, name));

describe('signed texts', () => {
  test('a manifest made by the stock tools is read and its signature verified', () => {
    const { manifest, signed } = decodeManifest(stock('cvmfspublished'), 'manifest');
    expect(manifest).toMatchObject({
      name: 'sample.icefall.example',
      root: '35eeb6a9f4890229c9b332b954f104c40c2997ed',
      rootSizeBytes: 18432,
      ttlSeconds: 240,
    });
    const certificate = readCertificate(stock('sample.icefall.example.crt'), 'certificate');
    expect(() => verifyManifestText(signed, certificate.publicKey, 'manifest')).not.toThrow();
  });

  test('a whitelist made by the stock tools is read and its signature verified', async () => {
    const key = await readPublicKey(join(STOCK, 'sample.icefall.example.pub'));
    const whitelist = decodeWhitelist(stock('cvmfswhitelist'), key, 'whitelist');
    expect(whitelist.name).toBe('sample.icefall.example');
    expect(new Date(whitelist.expiresAt).toISOString()).toBe('2026-12-21T03:00:00.000Z');
    const certificate = readCertificate(stock('sample.icefall.example.crt'), 'c');
    expect(whitelist.fingerprints).toEqual([certificate.fingerprint]);
    expect(isListed(whitelist, certificate)).toBe(true);
  });

  test('a whitelist may name certificates by other hashes, and with comments', () => {
    const certificate = readCertificate(stock('sample.icefall.example.crt'), 'c');
    const pair = generateKeyPairSync('rsa', { modulusLength: 1024 });
    const listed = (line: string) => {
      const given = { name: 'a.example', signedAt: 0, expiresAt: 0, fingerprints: ['00:11', line] };
      return isListed(decodeWhitelist(encodeWhitelist(given, pair.privateKey), pair.publicKey, 'w'), certificate);
    };
    const named = (algorithm: HashAlgorithm) => {
      const [digits = '', name] = contentHash(algorithm, certificate.raw).toUpperCase().split('-');
      const parts = digits.match(/../g)?.join(':');
      return name === undefined ? `${parts}` : `${parts}-${name}`;
    };
    for (const algorithm of HASH_ALGORITHMS) {
      const fingerprint = named(algorithm);
      for (const comment of ['', ' # since May', '# since May', ' since May', '\tsince May'])
        expect(listed(`${fingerprint}${comment}`), `${fingerprint}${comment}`).toBe(true);
    }
    expect(listed(`${named('sha1')}-RMD160`)).toBe(false);
    expect(listed(named('sha1').replace(/^../, 'ZZ'))).toBe(false);
  });

  test('a manifest of a repository that only some may read is refused by name', () => {
    const bytes = stock('cvmfspublished').toString('latin1');
    const text = bytes.slice(0, bytes.indexOf('--\n')).replace('\nAno\n', '\nAyes\n');
    const signed = Buffer.from(`${text}--\n${hashOf(Buffer.from(text))}\nsignature`);
    expect(() => decodeManifest(signed, 'manifest')).toThrow(/field A/);
  });

  test('a changed byte in the text, or another key, is refused by name', async () => {
    const bytes = stock('cvmfspublished');
    bytes[3] = 'z'.charCodeAt(0);
    expect(() => readSignedText(bytes, 'the manifest')).toThrow(/the manifest: the text does not have the hash/);
    const other = generateKeyPairSync('rsa', { modulusLength: 1024 });
    expect(() => decodeWhitelist(stock('cvmfswhitelist'), other.publicKey, 'whitelist')).toThrow(/master key/);
    const { signed } = decodeManifest(stock('cvmfspublished'), 'manifest');
    expect(() => verifyManifestText(signed, other.publicKey, 'manifest')).toThrow(/certificate/);
  });

  test('what is written is read back', () => {
    const pair = generateKeyPairSync('rsa', { modulusLength: 1024 });
    const hash = 'ab'.repeat(20);
    const manifest = {
      root: hash,
      rootSizeBytes: 7,
      ttlSeconds: 240,
      revision: 9,
      name: 'a.example',
      certificate: hash,
      history: hash,
      publishedAt: 1,
      isCollected: true,
      metainfo: hash,
      reflog: hash,
    };
    const { manifest: read, signed } = decodeManifest(encodeManifest(manifest, pair.privateKey), 'manifest');
    expect(read).toEqual(manifest);
    verifyManifestText(signed, pair.publicKey, 'manifest');
    const whitelist = {
      name: 'a.example',
      signedAt: 1_700_000_000_000,
      expiresAt: 1_800_000_000_000,
      fingerprints: ['AA:BB'],
    };
    expect(decodeWhitelist(encodeWhitelist(whitelist, pair.privateKey), pair.publicKey, 'w')).toEqual(whitelist);
  });
});
