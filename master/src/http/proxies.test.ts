import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AccessSite, PASSWORD } from './test-access.ts';

const PROXY = '10.1.2.3';
let site: AccessSite;
beforeEach(async () => {
  site = await AccessSite.open({
    roles: {
      writer: { allow: ['view', 'drain'], members: { groups: ['writers'] } },
      company: { allow: ['view'], members: { mailDomains: ['example.org'] } },
      admin: { allow: ['admin'], members: { users: ['ada'] } },
    },
    proxies: ['10.0.0.0/8', '2001:db8::1'],
    proxySignIn: { user: 'X-Remote-User', mail: 'X-Remote-Mail', groups: 'X-Remote-Groups' },
  });
});
afterEach(() => site[Symbol.asyncDispose]());

const get = async (remoteAddress: string, headers: Record<string, string>, url = '/api/v1/session') =>
  site.client.ask({ url, headers, remoteAddress });
const fay = { 'x-remote-user': 'fay', 'x-remote-groups': 'readers, writers' };

describe('what a proxy says', () => {
  test('of who has signed in is believed of the addresses that the site names, and of nobody else', async () => {
    for (const address of [PROXY, `::ffff:${PROXY}`, '2001:db8::1'])
      expect((await get(address, fay)).json, address).toMatchObject({ kind: 'person', name: 'fay' });
    for (const address of ['192.0.2.7', '127.0.0.1', '2001:db8::2'])
      expect((await get(address, fay)).json, address).toMatchObject({ kind: 'anonymous', name: null });
    expect((await get(PROXY, { 'x-remote-user': ' ' })).json.kind).toBe('anonymous');
    const cleo = { 'x-remote-user': 'cleo', 'x-remote-mail': 'cleo@example.org' };
    expect((await get(PROXY, cleo, '/api/v1/builders')).status).toBe(200);
  });

  test('of an address is believed in the same way, and is what limits and the audit log go by', async () => {
    const from = async (remoteAddress: string) => {
      const headers = { 'x-forwarded-for': '203.0.113.9, 198.51.100.5' };
      const payload = { user: 'ada', password: 'wrong' };
      await site.client.ask({ method: 'POST', url: '/api/v1/session', payload, headers, remoteAddress });
      return site.site.audit.list({ limit: 1 }).items[0]?.origin;
    };
    // The nearest address that is no proxy of ours: what stands before it anybody can write.
    expect(await from(PROXY)).toBe('198.51.100.5');
    expect(await from('192.0.2.7')).toBe('192.0.2.7');
  });

  test('lets a page change something, and nothing that comes from elsewhere', async () => {
    const drain = (headers: Record<string, string>) =>
      site.client.ask({
        ...{ method: 'POST', url: '/api/v1/drain', payload: { drain: true }, remoteAddress: PROXY },
        headers: { host: 'localhost', ...fay, ...headers },
      });
    expect((await drain({})).json.error.code).toBe('bad_csrf');
    expect((await drain({ origin: 'https://evil.example' })).json.error.code).toBe('foreign_origin');
    expect((await drain({ origin: 'http://localhost' })).status).toBe(200);
  });

  test('of a person whom the master keeps out does not let them in', async () => {
    await site.person('ada');
    const ada = { 'x-remote-user': 'ada' };
    expect((await get(PROXY, ada)).json.kind).toBe('person');
    await site.operate('/users/ada/disable', { disabled: true });
    expect((await get(PROXY, ada)).json.kind).toBe('anonymous');
  });

  test('of somebody with a name of ours is believed of nobody: the audit log means something else by it', async () => {
    for (const name of ['operator', 'local', 'token deploy'])
      expect((await get(PROXY, { 'x-remote-user': name })).json, name).toMatchObject({ kind: 'anonymous', name: null });
  });

  test('of TLS makes cookies that are sent by TLS only, and tells browsers to keep to it', async () => {
    await site.person('ada');
    const payload = { user: 'ada', password: PASSWORD };
    const ask = (headers: Record<string, string>) =>
      site.client.ask({ method: 'POST', url: '/api/v1/session', payload, headers, remoteAddress: PROXY });
    const secure = await ask({ 'x-forwarded-proto': 'https' });
    expect(secure.headers['set-cookie']).toMatch(/^__Host-icefall_session=.*; Path=\/; .*; Secure$/);
    expect(secure.headers['strict-transport-security']).toBe('max-age=31536000');
    const plain = await ask({});
    expect(plain.headers['set-cookie']).not.toContain('Secure');
    expect(plain.headers['strict-transport-security']).toBeUndefined();
  });
});
