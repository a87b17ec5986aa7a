import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { type IncomingHttpHeaders, request } from 'node:http';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { TestApi } from '../support/api.ts';
import type { TestGround } from '../support/ground.ts';
import { TestMaster } from '../support/master.ts';
import { freePorts } from '../support/ports.ts';
import { run, TestProcess } from '../support/process.ts';
import { PROGRAMS } from '../support/programs.ts';

const TOKEN = 'a-token-of-the-workers-of-this-test';
const REPOSITORY = 'software.icefall.example';
/** Comments of an idle stream that are waited for, 15 s apart; 40 are ten minutes. */
const COMMENTS = Number(process.env.ICEFALL_PROXY_COMMENTS ?? 1);
const COMMENT_MS = 15_000;

/** The addresses that a shipped configuration names. */
export type FrontAddresses = Readonly<Record<string, string>>;

/** A master, two workers and a stratum 0 behind a proxy. */
export class Front {
  readonly ground: TestGround;
  readonly master: TestMaster;
  readonly api: TestApi;
  readonly stratum0: string;
  /** Where the test's repository is served. */
  readonly served: string;

  private constructor(ground: TestGround, master: TestMaster, at: { url: string; stratum0: string; served: string }) {
    this.ground = ground;
    this.master = master;
    this.api = new TestApi(at.url);
    this.stratum0 = at.stratum0;
    this.served = at.served;
  }

  /** `start` runs the proxy with the addresses of everything. */
  static async open(ground: TestGround, start: (addresses: FrontAddresses) => Promise<void>): Promise<Front> {
    const site = join(import.meta.dirname, 'sites/behind-a-proxy.ts');
    const master = await TestMaster.start(ground, { site, env: { WORKER_TOKEN: TOKEN } });
    const [page = 0, workers = 0, cvmfs = 0, behind = 0] = await freePorts(4);
    const stratum0 = ground.path('stratum0');
    mkdirSync(stratum0);
    const serve = ['serve', '--dir', stratum0, '--port', String(behind)];
    TestProcess.start(ground, { name: 'stratum 0', command: [...PROGRAMS.stratum0, ...serve] });
    await start({
      ICEFALL_FRONT: `127.0.0.1:${page}`,
      ICEFALL_WORKERS: `127.0.0.1:${workers}`,
      ICEFALL_CVMFS: `127.0.0.1:${cvmfs}`,
      ICEFALL_MASTER_PAGE: `127.0.0.1:${new URL(master.url).port}`,
      ICEFALL_MASTER_WORKERS: `127.0.0.1:${master.workerPort}`,
      ICEFALL_STRATUM0: `127.0.0.1:${behind}`,
    });
    const served = `http://127.0.0.1:${cvmfs}/cvmfs/${REPOSITORY}`;
    const front = new Front(ground, master, { url: `http://127.0.0.1:${page}`, stratum0, served });
    await front.api.waitFor('the page through the proxy', async () =>
      (await front.api.ask('GET', '/health/ready')).status === 200 ? true : null,
    );
    for (const name of ['north', 'south']) await master.worker(name, { port: workers, token: TOKEN });
    return front;
  }

  /** Tries to sign in from an address of this machine; gives the status. `url`: of the master itself, past the proxy. */
  async signIn(from: string, headers: IncomingHttpHeaders = {}, url = this.api.url): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const options = { method: 'POST', localAddress: from, headers: { 'content-type': 'application/json', ...headers } };
    request(`${url}/api/v1/session`, options, (response) => {
      response.resume().once('end', () => resolve(response.statusCode ?? 0));
    })
      .once('error', reject)
      .end(JSON.stringify({ user: 'ada', password: 'a wrong password' }));
    return promise;
  }

  /** Addresses of those who tried to sign in, as the audit log has them, newest first. */
  async origins(): Promise<string[]> {
    const token = readFileSync(join(this.master.directory, 'master', 'operator.token'), 'utf8').trim();
    const headers = { authorization: `Bearer ${token}` };
    const { body } = await this.master.api.ask('GET', '/api/v1/audit?action=signIn', undefined, headers);
    const { entries } = body as { entries: { origin: string }[] };
    return entries.map(({ origin }) => origin);
  }
}

/** What every proxy in front has to let through. */
export function testFront(front: () => Front): void {
  test('the page and the API are reached', async () => {
    const { api } = front();
    const page = await fetch(api.url);
    expect([page.status, page.headers.get('content-type')]).toEqual([200, expect.stringContaining('text/html')]);
    expect((await api.snapshot()).status.workersConnected).toBe(2);
  });

  test('workers run builds over it, and the event stream tells of them as they come', async () => {
    const { api } = front();
    const end = new AbortController();
    const stream = api.stream('/events', end.signal);
    const buildset = await api.force('greet');
    let told = false;
    for await (const { event } of stream) {
      told ||= event === 'build';
      if (told) break;
    }
    end.abort();
    expect((await api.finished(buildset)).result).toBe('SUCCESS');
  });

  test(`an event stream on which nothing happens stays open (comments: ${COMMENTS})`, {
    timeout: (COMMENTS + 8) * COMMENT_MS,
  }, async () => {
    const { api } = front();
    const end = new AbortController();
    const response = await fetch(`${api.url}/api/v1/events`, { signal: end.signal });
    const reader = (response.body ?? new ReadableStream()).pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    while ([...text.matchAll(/^:/gm)].length < COMMENTS) {
      const { done, value } = await reader.read();
      expect(done, 'the stream was cut').toBe(false);
      text += value ?? '';
    }
    end.abort();
    expect((await api.snapshot()).status.workersConnected).toBe(2);
  });

  test('limits and the audit log go by the address of the client, whatever the client says of itself', async () => {
    const { signIn, origins, master } = bound(front());
    const claim = (address: string) => ({ 'x-forwarded-for': address, forwarded: `for=${address}` });
    for (let i = 0; i < 5; i += 1) expect(await signIn('127.0.0.5', claim(`203.0.113.${i}`))).toBe(401);
    expect(await signIn('127.0.0.5', claim('203.0.113.9'))).toBe(429);
    expect(await signIn('127.0.0.6', claim('203.0.113.9'))).toBe(401);
    // Past the proxy, from an address that is not its: nothing is believed.
    expect(await signIn('127.0.0.7', claim('127.0.0.8'), master.url)).toBe(401);
    expect((await origins()).slice(0, 4)).toEqual(['127.0.0.7', '127.0.0.6', '127.0.0.5', '127.0.0.5']);
  });

  test('what the stratum 0 serves is read, and nobody writes', async () => {
    const { ground, stratum0, served } = front();
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
}

function bound(front: Front) {
  return { signIn: front.signIn.bind(front), origins: () => front.origins(), master: front.master };
}
