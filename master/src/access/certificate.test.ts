import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { VirtualClock } from '../engine/virtual-clock.ts';
import { startHttpServer } from '../http/server.ts';
import { TestSite } from '../http/test-site.ts';
import { startWorkerServer } from '../workers/server.ts';
import { siteWith, TestRoom } from '../workers/test-room.ts';
import { Certificate, LOOK_EVERY_MS } from './certificate.ts';

let folder: string;
let logged: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'icefall-tls-'));
  logged = [];
});
afterEach(() => rmSync(folder, { recursive: true }));

const inFolder = (name: string) => join(folder, name);
const files = () => ({ certificate: inFolder('used.crt'), key: inFolder('used.key') });
const note = (_fields: object, message: string) => void logged.push(message);
const open = () => new Certificate(files(), { info: note, warn: note, error: note });

/** Makes NAME.crt and NAME.key, for 127.0.0.1, which is its own authority. */
function make(name: string): void {
  const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1'];
  const out = ['-keyout', inFolder(`${name}.key`), '-out', inFolder(`${name}.crt`), '-days', '2'];
  const args = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', ...subject, ...out];
  execFileSync('openssl', args, { stdio: 'ignore' });
}

/** As a program that renews puts them there. */
function use(name: string, keyOf = name): void {
  copyFileSync(inFolder(`${name}.crt`), inFolder('used.crt'));
  copyFileSync(inFolder(`${keyOf}.key`), inFolder('used.key'));
}

interface Seen {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, unknown>>;
  /** The name in the certificate that was shown. */
  readonly name: unknown;
}

/** Asks by a connection of its own, and trusts the named certificate only. */
function ask(port: number, path: string, trusted: string): Promise<Seen> {
  return new Promise((resolve, reject) => {
    const ca = readFileSync(inFolder(`${trusted}.crt`));
    const asked = request({ host: '127.0.0.1', port, path, ca, agent: false }, (answer) => {
      const name = (answer.socket as TLSSocket).getPeerCertificate().subject.CN;
      answer.resume().on('end', () => resolve({ status: answer.statusCode, headers: answer.headers, name }));
    });
    asked.on('error', reject).end();
  });
}

describe('a certificate', () => {
  test('is what page and API are served with, and its renewal in force for the next connection', async () => {
    make('old');
    make('new');
    use('old');
    const certificate = open();
    await using site = new TestSite();
    const server = await startHttpServer(site.port, { port: 0, pageDirectory: inFolder('no-page'), certificate });
    try {
      expect(server.url).toBe(`https://127.0.0.1:${server.port}`);
      const first = await ask(server.port, '/api/v1/status', 'old');
      expect(first).toMatchObject({ status: 200, name: 'old' });
      expect(first.headers['strict-transport-security']).toContain('max-age=');
      use('new');
      const clock = new VirtualClock(0);
      certificate.watch(clock);
      clock.advance(LOOK_EVERY_MS);
      expect(await ask(server.port, '/api/v1/status', 'new')).toMatchObject({ status: 200, name: 'new' });
      await expect(ask(server.port, '/api/v1/status', 'old')).rejects.toThrow('self-signed certificate');
      expect(logged).toEqual(['a renewed certificate is in force']);
    } finally {
      certificate.stop();
      await server.close();
    }
  });

  test('is what workers find at their port, too', async () => {
    make('old');
    use('old');
    const room = new TestRoom(siteWith({ name: 'w1' }), { directory: folder });
    const server = await startWorkerServer(room.workers, { host: '127.0.0.1', port: 0, certificate: open() });
    try {
      expect(await ask(server.port, '/transfers/1?epoch=1', 'old')).toMatchObject({ status: 401, name: 'old' });
    } finally {
      await server.close();
      room.logs.close();
    }
  });

  test('that cannot be used is refused at the start, and changes nothing when it comes later', () => {
    make('old');
    make('new');
    expect(open).toThrow('cannot be used');
    use('old', 'new');
    expect(open).toThrow('cannot be used');
    use('old');
    const certificate = open();
    const before = certificate.optionsOf('page');
    use('new', 'old');
    certificate.look();
    certificate.look();
    writeFileSync(inFolder('used.crt'), 'half of a certi');
    certificate.look();
    expect(certificate.optionsOf('page')).toEqual(before);
    expect(logged).toHaveLength(2);
    expect(logged[0]).toMatch(/cannot be used: .*the one before stays in force/);
  });
});
