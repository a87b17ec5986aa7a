import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { MOST_BODY_BYTES } from './body.ts';
import { startHttpServer } from './server.ts';
import { clientOf, type TestClient } from './test-client.ts';
import { addHistory } from './test-history.ts';
import { REPOSITORY, SITE, SITE_WITH_URL, TestSite } from './test-site.ts';

let site: TestSite;
let client: TestClient;
async function open(options: { host?: string; site?: typeof SITE } = {}) {
  site = new TestSite(options.site ?? SITE);
  client = await clientOf(site, options.host === undefined ? {} : { host: options.host });
  addHistory(site);
}
beforeEach(() => open());
afterEach(async () => {
  await client[Symbol.asyncDispose]();
  await site[Symbol.asyncDispose]();
});
async function reopen(options: Parameters<typeof open>[0]) {
  await client[Symbol.asyncDispose]();
  await site[Symbol.asyncDispose]();
  await open(options);
}

const stop = (headers: Record<string, string>) => client.post('/api/v1/builds/2/stop', {}, headers);
const status = async (headers: Record<string, string>) => (await client.get('/api/v1/health', headers)).status;

describe('on every answer', () => {
  test('there is a policy that lets the page load nothing from elsewhere, nothing inline, and into no frame', async () => {
    for (const path of ['/api/v1/health', '/api/v1/builds/99', '/api/v1/builds/%ff', '/builders/linux', '/none.png']) {
      const { headers } = await client.get(path);
      const policy = String(headers['content-security-policy']);
      expect(policy, path).toContain("default-src 'self'");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toContain('unsafe');
      expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'referrer-policy': 'same-origin' });
    }
  });
});

describe('a master on loopback', () => {
  test('answers under names and addresses of loopback', async () => {
    for (const host of [
      'localhost',
      'localhost:8010',
      '127.0.0.1:8010',
      '127.1.2.3',
      '[::1]:8010',
      'icefall.localhost',
    ])
      expect(await status({ host }), host).toBe(200);
  });

  test('refuses other names, which is what a rebound name looks like', async () => {
    for (const host of ['evil.example', '127.0.0.1.evil.example', '192.0.2.1', 'localhost.evil.example:8010', 'a b'])
      expect(await status({ host }), host).toBe(403);
    expect((await client.get('/api/v1/builds', { host: 'evil.example' })).json.error.code).toBe('foreign_host');
    expect((await client.get('/', { host: 'evil.example' })).status).toBe(403);
  });

  test('answers under the address that the site names as its own, behind a proxy', async () => {
    await reopen({ site: SITE_WITH_URL });
    expect(await status({ host: 'ci.example.org' })).toBe(200);
    expect(await status({ host: 'evil.example.org' })).toBe(403);
    expect((await stop({ host: '127.0.0.1:8010', origin: 'https://ci.example.org' })).status).toBe(200);
  });

  test('that listens for everybody answers under every name', async () => {
    await reopen({ host: '0.0.0.0' });
    expect(await status({ host: 'build.example.org:8010' })).toBe(200);
  });
});

describe('a page elsewhere', () => {
  const host = '127.0.0.1:8010';

  test('changes nothing', async () => {
    for (const headers of [
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { origin: 'http://127.0.0.1:9999' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
    ]) {
      const { status, json } = await stop({ host, ...headers });
      expect([status, json.error.code], JSON.stringify(headers)).toEqual([403, 'foreign_origin']);
    }
    expect((await client.post('/hooks/gitea', {}, { origin: 'https://evil.example' })).status).toBe(403);
    expect(site.deeds).toEqual([]);
  });

  test('is told from our own, and from programs', async () => {
    for (const headers of [
      { origin: 'http://127.0.0.1:8010' },
      { origin: 'http://127.0.0.1:8010', 'sec-fetch-site': 'same-origin' },
      { 'sec-fetch-site': 'none' },
      {},
    ])
      expect((await stop({ host, ...headers })).status, JSON.stringify(headers)).toBe(200);
  });

  test('may follow a link here', async () => {
    expect(await status({ host, 'sec-fetch-site': 'cross-site' })).toBe(200);
  });
});

describe('a body', () => {
  const send = async (payload: string, type = 'application/json', url = '/api/v1/builds/2/stop') => {
    const answer = await client.ask({ method: 'POST', url, payload, headers: { 'content-type': type } });
    return `${answer.status} ${answer.json?.error?.code ?? ''}`.trim();
  };

  test('that is none, or empty, is an empty object', async () => {
    expect((await client.ask({ method: 'POST', url: '/api/v1/builds/2/stop' })).status).toBe(200);
    expect(await send('')).toBe('200');
  });

  test('that is no JSON, or JSON that attacks, is refused', async () => {
    for (const payload of ['{', '{"reason":"x"', 'reason', '{"__proto__":{"x":1}}', '{"constructor":{"prototype":{}}}'])
      expect(await send(payload), payload).toBe('400 bad_json');
    expect(await send('['.repeat(200_000) + ']'.repeat(200_000))).toBe('400 bad_json');
    expect(await send(`{"values":${'{"a":'.repeat(500)}1${'}'.repeat(500)}}`)).toBe('400 bad_json');
  });

  // Whoever looks at a text again from each of its quotes is busy for ten minutes.
  test('of a megabyte of quotes that never end is refused at once', async () => {
    expect(await send(`"${'\\"'.repeat(MOST_BODY_BYTES / 2 - 1)}`)).toBe('400 bad_json');
  });

  test('with brackets in its texts is not nested', async () => {
    expect(await send(JSON.stringify({ reason: `${'['.repeat(300)}"\\` }))).toBe('200');
  });

  test('of another type is refused', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'x'])
      expect(await send('{}', type), type).toBe('415 unsupported_media_type');
  });

  test('of another shape is refused, with what is wrong by its field', async () => {
    for (const payload of ['[]', '"text"', 'null', '5', '{"reason":5}', `{"reason":"${'x'.repeat(1001)}"}`])
      expect(await send(payload), payload.slice(0, 20)).toMatch(payload === 'null' ? /^200/ : /^422 bad_values/);
  });

  test('that is too large is refused, and a change may be larger than others', async () => {
    const large = JSON.stringify({ repository: REPOSITORY, message: 'x', reason: 'y'.repeat(MOST_BODY_BYTES) });
    expect(await send(large)).toBe('413 too_large');
    expect(await send(large, 'application/json', '/api/v1/changes')).toBe('200');
  });
});

describe('listening', () => {
  const options = { port: 0, pageDirectory: '/nonexistent' };

  test('a port that is taken is named, with the option that changes it', async () => {
    const first = await startHttpServer(site.port, options);
    const second = startHttpServer(site.port, { ...options, port: first.port, portOption: '--page-port' });
    await expect(second).rejects.toThrow(`port ${first.port} on 127.0.0.1 is taken`);
    await expect(second).rejects.toThrow('--page-port');
    await first.close();
    const third = await startHttpServer(site.port, { ...options, port: first.port });
    expect(third.url).toBe(`http://127.0.0.1:${first.port}`);
    await third.close();
  });

  test('an address that is not ours is named', async () => {
    const elsewhere = startHttpServer(site.port, { ...options, host: '192.0.2.1' });
    await expect(elsewhere).rejects.toThrow('the page cannot be served on 192.0.2.1');
  });

  test('what is no HTTP gets an answer that says so, and hurts nobody else', async () => {
    const server = await startHttpServer(site.port, options);
    const socket = connect(server.port, '127.0.0.1');
    socket.write('SSH-2.0-OpenSSH_9.6\r\n\r\n');
    expect(await text(socket)).toContain('"code":"bad_request"');
    expect((await fetch(`${server.url}/api/v1/health`)).status).toBe(200);
    await server.close();
  });
});
