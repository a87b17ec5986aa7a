import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { TestAuthority, type TestCertificate } from '../../../tests/support/authority.ts';
import { Certificate, LOOK_EVERY_MS } from '../access/certificate.ts';
import { VirtualClock } from '../engine/virtual-clock.ts';
import { startWorkerServer } from './server.ts';
import { siteWith, TestRoom } from './test-room.ts';

let folder: string;
let own: TestAuthority;
let workers: TestAuthority;
let others: TestAuthority;
let served: TestCertificate;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'icefall-workers-tls-'));
  own = new TestAuthority(join(folder, 'own'));
  workers = new TestAuthority(join(folder, 'workers'));
  others = new TestAuthority(join(folder, 'others'));
  served = own.issue('master');
});
afterAll(() => rmSync(folder, { recursive: true }));

/** The authority's file that the master reads. */
const used = () => join(folder, 'used.crt');
beforeEach(() => copyFileSync(workers.file, used()));

async function open() {
  const quiet = { info: () => {}, warn: () => {}, error: () => {} };
  const certificate = new Certificate({ ...served, workerAuthority: used() }, quiet);
  const room = new TestRoom(siteWith({ name: 'w1' }), { directory: folder });
  const token = room.workers.authentication.issueToken('w1');
  const { port, close } = await startWorkerServer(room.workers, { host: '127.0.0.1', port: 0, certificate });
  onTestFinished(async () => {
    await close();
    room.logs.close();
  });
  const ask = (shown: TestCertificate | null, shownToken = token) => asked(port, shown, shownToken);
  return { ask, certificate };
}

/** The code of the refusal of a transfer that there is not; `not let in as w1` ends there. */
function asked(port: number, shown: TestCertificate | null, token: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const files = shown === null ? {} : { cert: readFileSync(shown.certificate), key: readFileSync(shown.key) };
    const headers = { authorization: `Bearer ${token}`, 'x-icefall-worker': 'w1' };
    const options = {
      host: '127.0.0.1',
      port,
      path: '/transfers/1?epoch=1',
      ca: readFileSync(own.file),
      agent: false,
      headers,
    };
    const sent = request({ ...options, ...files }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (piece: string) => {
        text += piece;
      });
      answer.on('end', () => resolve(JSON.parse(text).error.code));
    });
    sent.on('error', reject).end();
  });
}

describe('a worker, where the master asks for certificates,', () => {
  test('is let in with one of the authority that has its name, as common name or as DNS name, and with its token', async () => {
    const { ask } = await open();
    const [byName, byDns] = [workers.issue('w1', []), workers.issue('machine-7', ['DNS:w1', 'DNS:w3'])];
    const letIn = await ask(byName);
    expect(letIn).not.toMatch(/^bad_/);
    expect(await ask(byDns)).toBe(letIn);
    expect(await ask(byName, 'another-token')).toBe('bad_token');
  });

  test('is refused without one, with that of another worker, of another authority, or for many names', async () => {
    const { ask } = await open();
    const refused = [
      null,
      workers.issue('w2', ['DNS:w2']),
      workers.issue('w1.example.org', []),
      workers.issue('many', ['DNS:*']),
      workers.issue('quoted', ['URI:urn:x', 'email:w1@example.org']),
      others.issue('w1', ['DNS:w1']),
    ];
    for (const shown of refused) expect(await ask(shown)).toBe('bad_certificate');
  });

  test('shows one of a new authority when that is in the file, and one of the old one no more', async () => {
    const { ask, certificate } = await open();
    const clock = new VirtualClock(0);
    certificate.watch(clock);
    onTestFinished(() => certificate.stop());
    const [old, renewed] = [workers.issue('w1', []), others.issue('w1', [])];
    expect(await ask(renewed)).toBe('bad_certificate');
    copyFileSync(others.file, used());
    clock.advance(LOOK_EVERY_MS);
    expect(await ask(renewed)).not.toMatch(/^bad_/);
    expect(await ask(old)).toBe('bad_certificate');
    // What cannot be used changes nothing, and lets nobody in.
    writeFileSync(used(), 'half of a certi');
    clock.advance(LOOK_EVERY_MS);
    expect(await ask(renewed)).not.toMatch(/^bad_/);
    expect(await ask(null)).toBe('bad_certificate');
  });

  test('finds no master that was started with a file which holds no authority', () => {
    writeFileSync(used(), 'no certificate');
    const log = { info: () => {}, warn: () => {}, error: () => {} };
    expect(() => new Certificate({ ...served, workerAuthority: used() }, log)).toThrow('authority of workers');
  });
});
