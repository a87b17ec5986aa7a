import { execFileSync } from 'node:child_process';
import { constants, createHash, generateKeyPairSync, privateEncrypt, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { commandOf, mistakesIn } from '../test-run.ts';
import { cvmfsRepository } from './repository.ts';
import { cvmfsResign } from './resign.ts';
import { readWhitelistHead, verifyWhitelist } from './whitelist.ts';

const NOW = Date.UTC(2025, 5, 2);
const master = generateKeyPairSync('rsa', { modulusLength: 2048 });
const publicKey = String(master.publicKey.export({ type: 'spki', format: 'pem' }));
const certificate = certificateOf(String(master.privateKey.export({ type: 'pkcs8', format: 'pem' })));
const { fingerprint } = new X509Certificate(certificate);

function certificateOf(privateKey: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'certificate-'));
  const [key, file] = [join(directory, 'key'), join(directory, 'crt')];
  writeFileSync(key, privateKey);
  execFileSync('openssl', ['req', '-x509', '-new', '-key', key, '-subj', '/CN=test', '-days', '1', '-out', file]);
  const pem = readFileSync(file, 'utf8');
  rmSync(directory, { recursive: true });
  return pem;
}

const HASHES = {
  sha1: (bytes: string | Buffer) => createHash('sha1').update(bytes).digest('hex'),
  rmd160: (bytes: string | Buffer) => `${createHash('rmd160').update(bytes).digest('hex')}-rmd160`,
  shake128: (bytes: string | Buffer) =>
    `${createHash('shake128', { outputLength: 20 }).update(bytes).digest('hex')}-shake128`,
} as const;

/** As the technical documentation describes it. */
function signed(lines: readonly string[], key = master.privateKey, algorithm: keyof typeof HASHES = 'sha1'): Buffer {
  const text = `${lines.join('\n')}\n`;
  const hash = HASHES[algorithm](text);
  const signature = privateEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, Buffer.from(hash));
  return Buffer.concat([Buffer.from(`${text}--\n${hash}\n`), signature]);
}
const good = ['20250601000000', 'E20250701000000', 'Nsoftware.example.org', `${fingerprint} # the one`];
const verify = (bytes: Buffer, more = {}) =>
  verifyWhitelist(bytes, { name: 'software.example.org', publicKey, certificate, now: NOW, ...more });

describe('a whitelist', () => {
  test('is what clients would accept', () => {
    expect(verify(signed(good))).toEqual({
      name: 'software.example.org',
      expiresAt: Date.UTC(2025, 6, 1),
      fingerprints: [fingerprint],
    });
  });

  test.each(['sha1', 'rmd160', 'shake128'] as const)('may be of a repository with %s', (algorithm) => {
    const hash = HASHES[algorithm](new X509Certificate(certificate).raw).toUpperCase();
    const listed = hash.replace(/^[0-9A-F]{40}/, (digits) => digits.match(/../g)?.join(':') ?? '');
    const verified = verify(signed([...good.slice(0, 3), `${listed} the one`], master.privateKey, algorithm));
    expect(verified.fingerprints).toEqual([listed]);
  });

  test.each([
    ['has expired', () => verify(signed(good), { now: Date.UTC(2025, 6, 1) }), 'it has expired on 2025-07-01'],
    [
      'is of another repository',
      () => verify(signed(good), { name: 'a.org' }),
      'it is of software.example.org, not of a.org',
    ],
    [
      'lists another certificate',
      () => verify(signed([...good.slice(0, 3), 'AA:BB'])),
      'it does not list the certificate with which the repository is signed',
    ],
    [
      'is signed with another key',
      () => verify(signed(good, generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey)),
      'it was not signed with the master key',
    ],
    ['has no expiry', () => verify(signed(['20250601000000', 'N', 'x'])), /are not where they belong/],
    ['is cut off', () => verify(signed(good).subarray(0, 100)), /it is no whitelist/],
    ['has no key to be verified with', () => verify(signed(good), { publicKey: '' }), 'the public key cannot be read'],
    ['has no certificate to list', () => verify(signed(good), { certificate: '' }), /certificate .* cannot be read/],
  ])('that %s is refused', (_, act, why) => {
    expect(act).toThrow(why);
  });

  test('tells its expiry to the hour, in UTC, as clients read it', () => {
    expect(readWhitelistHead('20250601000000\nE20250701123456\nNa.org\n').expiresAt).toBe(Date.UTC(2025, 6, 1, 12));
  });
});

describe('the renewal', () => {
  const repository = cvmfsRepository({ name: 'software.example.org' });
  const commandOfFirst = (options: Parameters<typeof cvmfsResign>[0]) =>
    commandOf('shell', () => cvmfsResign(options)[0] ?? expect.fail('no step')).command.slice(4);

  test('asks the publisher, an address or a program', () => {
    expect(commandOfFirst({ repository, days: 7 })).toEqual([
      ...['/srv/cvmfs/software.example.org', 'cvmfs_server', 'resign', '-d', '7', 'software.example.org'],
    ]);
    const places = ['/srv/cvmfs/software.example.org', '/etc/cvmfs/keys', 'software.example.org'];
    expect(commandOfFirst({ repository, from: 'https://a.org/w' })).toEqual([...places, 'https://a.org/w']);
    expect(commandOfFirst({ repository, signer: ['ssh', 'vault', 'sign'] })).toEqual([
      ...places,
      '',
      'ssh',
      'vault',
      'sign',
    ]);
  });

  test.each([
    [{ repository, from: 'ftp://a.org' }, /option "from"/],
    [{ repository, from: 'https://a.org', signer: ['sign'] }, /option "from": is another way than "signer"/],
    [{ repository, signer: [] }, /option "signer"/],
    [{ repository, days: 31 }, /option "days"/],
    [{ repository, from: 'https://a.org', days: 7 }, /option "days": whoever signs the whitelist says/],
    [
      { repository: cvmfsRepository({ name: 'a.org', served: 'https://a.org' }), from: 'https://b.org' },
      /served from a folder/,
    ],
  ])('tells at load what is wrong (%#)', (options, expected) => {
    expect(mistakesIn(() => cvmfsResign(options))[0]).toMatch(expected);
  });
});
