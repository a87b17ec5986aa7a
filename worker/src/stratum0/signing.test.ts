import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readCertificate, readPublicKey } from './keys.ts';
import { decodeManifest, encodeManifest } from './manifest.ts';
import { readSignedText, verifyManifestText } from './signing.ts';
import { decodeWhitelist, encodeWhitelist } from './whitelist.ts';

/** Made by the stock tools (cvmfs_server 2.12). */
const STOCK = join(import.meta.dirname, 'fixtures', 'stock');
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
    expect(new Date(whitelist.expiresAt).toISOString()).toBe('2026-12-21T03:48:43.000Z');
    expect(whitelist.fingerprints).toEqual([readCertificate(stock('sample.icefall.example.crt'), 'c').fingerprint]);
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
