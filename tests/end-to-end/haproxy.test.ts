import { resolve } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { lacking } from '../support/debian-programs.ts';
import { run, TestProcess } from '../support/process.ts';
import { groundOfFile } from '../support/vitest.ts';
import { Front, testFront } from './front.ts';

const CONFIGURATION = resolve(import.meta.dirname, '../../k8s/haproxy/haproxy.cfg');
const without = lacking('haproxy');

describe.skipIf(without !== '')(`behind HAProxy with the shipped configuration${without}`, () => {
  const ground = groundOfFile();
  let front: Front;

  beforeAll(async () => {
    front = await Front.open(ground, async (env) => {
      const checked = await run(ground, { name: 'haproxy -c', command: ['haproxy', '-c', '-f', CONFIGURATION], env });
      expect(checked).toMatchObject({ code: 0 });
      expect(`${checked.stdout}${checked.stderr}`).not.toMatch(/warning/i);
      TestProcess.start(ground, { name: 'haproxy', command: ['haproxy', '-db', '-f', CONFIGURATION], env });
    });
  });

  testFront(() => front);

  test('a request that comes while the master restarts waits for it, and the workers come back', async () => {
    const { master, api } = front;
    await master.kill();
    const asked = api.ask('GET', '/api/v1/status');
    await master.startAgain();
    expect((await asked).status).toBe(200);
    await api.waitFor('both workers again', async () =>
      (await api.snapshot()).status.workersConnected === 2 ? true : null,
    );
  });
});
