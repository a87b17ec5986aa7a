import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { TestApi } from '../support/api.ts';
import { lacking } from '../support/debian-programs.ts';
import { TestMaster } from '../support/master.ts';
import { freePorts } from '../support/ports.ts';
import { run, TestProcess } from '../support/process.ts';
import { PROGRAMS } from '../support/programs.ts';
import { groundOfFile } from '../support/vitest.ts';

const CONFIGURATION = resolve(import.meta.dirname, '../../k8s/haproxy/haproxy.cfg');
const TOKEN = 'a-token-of-the-workers-of-this-test';
const REPOSITORY = 'software.icefall.example';
/** Comments of an idle stream that are waited for, 15 s apart; 40 are ten minutes. */
const COMMENTS = Number(process.env.ICEFALL_HAPROXY_COMMENTS ?? 2);
const COMMENT_MS = 15_000;

const without = lacking('haproxy');

describe.skipIf(without !== '')(`behind HAProxy with the shipped configuration${without}`, () => {
  const ground = groundOfFile();
  const stratum0 = ground.path('stratum0');
  let master: TestMaster;
  let front: TestApi;
  let workerPort: number;
  let served: string;

  beforeAll(async () => {
    const site = join(import.meta.dirname, 'sites/haproxy.ts');
    master = await TestMaster.start(ground, { site, env: { WORKER_TOKEN: TOKEN } });
    const [page = 0, workers = 0, cvmfs = 0, behind = 0] = await freePorts(4);
    mkdirSync(stratum0);
    const serve = ['serve', '--dir', stratum0, '--port', String(behind)];
    TestProcess.start(ground, { name: 'stratum 0', command: [...PROGRAMS.stratum0, ...serve] });
    const env = {
      ICEFALL_FRONT: `127.0.0.1:${page}`,
      ICEFALL_WORKERS: `127.0.0.1:${workers}`,
      ICEFALL_CVMFS: `127.0.0.1:${cvmfs}`,
      ICEFALL_MASTER_PAGE: `127.0.0.1:${new URL(master.url).port}`,
      ICEFALL_MASTER_WORKERS: `127.0.0.1:${master.workerPort}`,
      ICEFALL_STRATUM0: `127.0.0.1:${behind}`,
    };
    const checked = await run(ground, { name: 'haproxy -c', command: ['haproxy', '-c', '-f', CONFIGURATION], env });
    expect(checked).toMatchObject({ code: 0 });
    expect(`${checked.stdout}${checked.stderr}`).not.toMatch(/warning/i);
    TestProcess.start(ground, { name: 'haproxy', command: ['haproxy', '-db', '-f', CONFIGURATION], env });
    front = new TestApi(`http://127.0.0.1:${page}`);
    workerPort = workers;
    served = `http://127.0.0.1:${cvmfs}/cvmfs/${REPOSITORY}`;
    await front.waitFor('the page through HAProxy', async () =>
      (await front.ask('GET', '/health/ready')).status === 200 ? true : null,
    );
    for (const name of ['north', 'south']) await master.worker(name, { port: workerPort, token: TOKEN });
  });

  test('the page and the API are reached', async () => {
    const page = await fetch(front.url);
    expect([page.status, page.headers.get('content-type')]).toEqual([200, expect.stringContaining('text/html')]);
    expect((await front.snapshot()).status.workersConnected).toBe(2);
  });

  test('workers run builds over it, and the event stream tells of them as they come', async () => {
    const end = new AbortController();
    const stream = front.stream('/events', end.signal);
    const buildset = await front.force('greet');
    let told = false;
    for await (const { event } of stream) {
      told ||= event === 'build';
      if (told) break;
    }
    end.abort();
    expect((await front.finished(buildset)).result).toBe('SUCCESS');
  });

  test(`an event stream on which nothing happens stays open (${COMMENTS} comments)`, {
    timeout: (COMMENTS + 8) * COMMENT_MS,
  }, async () => {
    const end = new AbortController();
    const response = await fetch(`${front.url}/api/v1/events`, { signal: end.signal });
    const reader = (response.body ?? new ReadableStream()).pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    while ([...text.matchAll(/^:/gm)].length < COMMENTS) {
      const { done, value } = await reader.read();
      expect(done, 'the stream was cut').toBe(false);
      text += value ?? '';
    }
    end.abort();
    expect((await front.snapshot()).status.workersConnected).toBe(2);
  });

  test('what the stratum 0 serves is read, and nobody writes', async () => {
    const stratum = (...args: readonly string[]) =>
      run(ground, { name: 'stratum 0', command: [...PROGRAMS.stratum0, '--dir', stratum0, ...args] });
    for (const args of [
      ['mkfs', REPOSITORY],
      ['transaction', REPOSITORY],
    ])
      expect(await stratum(...args)).toMatchObject({ code: 0 });
    writeFileSync(join(stratum0, 'mount', REPOSITORY, 'hello'), 'hello\n');
    expect(await stratum('publish', REPOSITORY)).toMatchObject({ code: 0 });
    const manifest = await fetch(`${served}/.cvmfspublished`);
    expect([manifest.status, manifest.headers.get('content-type')]).toEqual([200, 'application/x-cvmfs']);
    const catalog = /^C([0-9a-f]{40})$/m.exec(await manifest.text())?.[1] ?? '';
    expect((await fetch(`${served}/data/${catalog.slice(0, 2)}/${catalog.slice(2)}C`)).status).toBe(200);
    expect((await fetch(`${served}/.cvmfspublished`, { method: 'PUT', body: 'x' })).status).toBe(405);
  });

  test('a request that comes while the master restarts waits for it, and the workers come back', async () => {
    await master.kill();
    const asked = front.ask('GET', '/api/v1/status');
    await master.startAgain();
    expect((await asked).status).toBe(200);
    await front.waitFor('both workers again', async () =>
      (await front.snapshot()).status.workersConnected === 2 ? true : null,
    );
  });
});
