import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { TestAuthority } from '../support/authority.ts';
import { lacking } from '../support/debian-programs.ts';
import { eventually } from '../support/eventually.ts';
import { TestProcess } from '../support/process.ts';
import { PROGRAMS } from '../support/programs.ts';
import { groundOfTest } from '../support/vitest.ts';
import { TestWorker } from '../support/worker.ts';

const without = lacking('openssl');
const TOKEN = 'a-token-of-the-worker-of-this-test';

describe.skipIf(without !== '')(`a master that asks workers for certificates${without}`, () => {
  test('takes commands and files of a worker that shows its own, and tells one that does not why it is refused', async () => {
    const ground = groundOfTest();
    const [own, workers] = [new TestAuthority(ground.path('own')), new TestAuthority(ground.path('workers'))];
    const served = own.issue('master');
    const shown = workers.issue('w1', []);
    const sent = ground.path('sent.txt');
    const files = ['--tls-cert', served.certificate, '--tls-key', served.key, '--worker-ca', workers.file];
    const site = join(import.meta.dirname, 'sites/certified.ts');
    const ports = ['--port', '0', '--worker-port', '0', '--json-log'];
    const master = TestProcess.start(ground, {
      name: 'master',
      command: [...PROGRAMS.icefall, 'start', ground.path('master'), '--config', site, ...ports, ...files],
      env: { WORKER_TOKEN: TOKEN, SENT_TO: sent },
    });
    const [line] = await master.wrote(/^\{.*"msg":"runs".*\}$/m);
    const { workerPort }: { workerPort: number } = JSON.parse(line);
    const agent = (directory: string, args: readonly string[]) =>
      TestWorker.start(ground, {
        ...{ name: 'w1', token: TOKEN, master: `wss://127.0.0.1:${workerPort}`, directory: ground.path(directory) },
        args: ['--tls-ca', own.file, ...args],
      });

    // The right token is not enough.
    const bare = agent('bare', []);
    await bare.process.wrote(/shows no certificate, which this master asks for/);
    await master.wrote(/"code":"bad_certificate"/);
    await bare.stop();
    const certified = agent('certified', ['--tls-cert', shown.certificate, '--tls-key', shown.key]);
    await eventually('what the worker has sent', () => (existsSync(sent) ? true : null), 60_000);
    expect(readFileSync(sent, 'utf8')).toBe('sent\n');
    await certified.stop();
  });
});
