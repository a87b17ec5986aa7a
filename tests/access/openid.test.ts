import { writeFileSync } from 'node:fs';
import { LONGEST_VISIT_MS } from '@icefall/master/access/providers/visits';
import type { AccessOptions, OpenIdConnectOptions } from '@icefall/master/config';
import { AccessSite, bearer, PASSWORD } from '@icefall/master/http/test-access';
import type { TestAnswer } from '@icefall/master/http/test-client';
import { beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { groundOfFile } from '../support/vitest.ts';
import { CLIENT_ID, CLIENT_SECRET, OpenIdProvider, Visitor } from './openid-provider.ts';

const PAGE = 'https://ci.example.org';
const ROLES: AccessOptions['roles'] = {
  reader: { allow: ['view'], members: { groups: ['navy'] } },
  keeper: { allow: ['drain'], members: { groups: ['keepers'] } },
  ops: { allow: ['pauseWorker'], members: { mailDomains: ['ops.example.org'] } },
  owner: { allow: ['reload'], members: { users: ['sso:grace'] } },
  admin: { allow: ['admin'], members: { users: ['grace'] } },
};
const GRACE = {
  preferred_username: 'grace',
  email: 'grace@ops.example.org',
  email_verified: true,
  groups: ['navy', 'keepers'],
};

const ground = groundOfFile();
let provider: OpenIdProvider;
let site: AccessSite;
beforeAll(async () => {
  writeFileSync(ground.path('client.secret'), CLIENT_SECRET);
  provider = await OpenIdProvider.start(ground, PAGE, {});
});
beforeEach(() => {
  provider.accounts.g1 = GRACE;
});

async function open(more: Partial<OpenIdConnectOptions> = {}): Promise<AccessSite> {
  const sso: OpenIdConnectOptions = {
    ...{ type: 'openIdConnect', title: 'Example', issuer: provider.issuer, clientId: CLIENT_ID },
    clientSecret: { file: ground.path('client.secret') },
    ...more,
  };
  const opened = await AccessSite.open({ roles: ROLES, signIn: { providers: { sso } } }, PAGE);
  onTestFinished(() => opened[Symbol.asyncDispose]());
  site = opened;
  return opened;
}

/** What a browser keeps of an answer, of one of our cookies. */
function kept(answer: TestAnswer, name: string): string {
  const all = [answer.headers['set-cookie']].flat().map(String);
  return all.find((one) => one.startsWith(`${name}=`))?.split(';', 1)[0] ?? '';
}
const locationOf = (answer: TestAnswer) => String(answer.headers.location);
const begin = (to = '/') => site.get(`/session/with/sso?to=${encodeURIComponent(to)}`);
const back = (address: string, cookie: string) => site.ask({ url: address.slice(PAGE.length), headers: { cookie } });

/** Goes all the way, as the person with that name at the provider. */
async function signIn(name = 'g1', to = '/'): Promise<{ end: TestAnswer; session: string }> {
  const begun = await begin(to);
  const address = await new Visitor().signIn(locationOf(begun), name, PAGE);
  const end = await back(address, kept(begun, 'icefall_visit'));
  return { end, session: kept(end, 'icefall_session') };
}
const whoIs = async (cookie: string) => {
  const { json } = await site.get('/session', { cookie });
  return [json.name, ...json.grants.map(({ permission }: { permission: string }) => permission)];
};
/** What the operator reads of the newest sign-in. */
const newest = () =>
  site.site.core.db.one<{ who: string; result: string; detail: string }>(
    'SELECT * FROM audit ORDER BY id DESC LIMIT 1',
  );

describe('people of an OpenID Connect provider', () => {
  test('come in with their groups and their verified mail, and to the page they wanted', async () => {
    await open();
    expect((await site.get('/session')).json.providers).toEqual([{ name: 'sso', title: 'Example' }]);
    const { end, session } = await signIn('g1', '/builders/linux?x=1#last');
    expect([end.status, locationOf(end)]).toEqual([302, '/builders/linux?x=1#last']);
    expect(await whoIs(session)).toEqual(['sso:grace', 'view', 'pauseWorker', 'drain', 'reload']);
    expect(newest()).toMatchObject({ who: 'sso:grace', result: 'ok', detail: '{"provider":"sso"}' });
  });

  test('are nobody else here: a role of that name, and an account of it, are not theirs', async () => {
    await open();
    await site.operate('/users', { name: 'grace', password: PASSWORD });
    expect(await whoIs((await signIn()).session)).not.toContain('admin');
  });

  test('get what a mail domain gives only where their address is verified', async () => {
    await open();
    provider.accounts.g1 = { ...GRACE, email_verified: false };
    expect(await whoIs((await signIn()).session)).not.toContain('pauseWorker');
    await open({ mailDomains: ['ops.example.org'] });
    const { end, session } = await signIn();
    expect([locationOf(end), session]).toEqual(['/?signIn=bad_login', '']);
    expect(newest()).toMatchObject({ result: 'bad_login', detail: expect.stringContaining('not_let_in') });
    provider.accounts.g1 = { ...GRACE, email: 'grace@ops.example.org.example.net' };
    expect(locationOf((await signIn()).end)).toBe('/?signIn=bad_login');
    provider.accounts.g1 = GRACE;
    expect(locationOf((await signIn()).end)).toBe('/');
  });

  test('come back with an answer to our own question only: state, nonce, PKCE, and the cookie of that browser', async () => {
    await open();
    const begun = await begin();
    const question = new URL(locationOf(begun)).searchParams;
    expect(question.get('code_challenge_method')).toBe('S256');
    expect([question.get('state'), question.get('nonce')].every((value) => (value ?? '').length >= 43)).toBe(true);
    const address = await new Visitor().signIn(locationOf(begun), 'g1', PAGE);
    const own = kept(begun, 'icefall_visit');
    const other = kept(await begin(), 'icefall_visit');
    const changed = `${own.slice(0, -2)}${own.endsWith('AA') ? 'BB' : 'AA'}`;
    // Without the cookie (a link that somebody else has sent), of another question, changed, for another provider.
    for (const cookie of ['', other, changed])
      expect(locationOf(await back(address, cookie))).toBe('/?signIn=sign_in_expired');
    expect(locationOf(await back(address.replace(/state=[^&]+/, 'state=x'), own))).toBe('/?signIn=sign_in_expired');
    expect(locationOf(await back(address.replace(/code=[^&]+/, 'code=x'), own))).toBe('/?signIn=sign_in_expired');
    expect(locationOf(await back(address, own))).toBe('/');
    // A code is good once.
    expect(locationOf(await back(address, own))).toBe('/?signIn=sign_in_expired');
  });

  test('have ten minutes', async () => {
    await open();
    const begun = await begin();
    const address = await new Visitor().signIn(locationOf(begun), 'g1', PAGE);
    site.site.clock.advance(LONGEST_VISIT_MS + 1);
    expect(locationOf(await back(address, kept(begun, 'icefall_visit')))).toBe('/?signIn=sign_in_expired');
  });

  test('may call it off', async () => {
    await open();
    const begun = await begin();
    const address = await new Visitor().cancel(locationOf(begun), PAGE);
    expect(locationOf(await back(address, kept(begun, 'icefall_visit')))).toBe('/?signIn=sign_in_cancelled');
  });

  test.each([
    'https://evil.example',
    '//evil.example',
    '/\\evil.example',
    '/.//evil.example',
    '/%2e//evil.example',
    '\\\\evil.example',
    '/\t/evil.example',
    'javascript:alert(1)',
    'evil',
    '/api/v1/session/with/sso',
  ])('are not sent to %j afterwards', async (to) => {
    await open();
    const { end } = await signIn('g1', to);
    expect(new URL(locationOf(end), PAGE).origin).toBe(PAGE);
    expect(locationOf(end)).toBe('/');
  });

  test('get another cookie than their browser had before, and the session of before ends', async () => {
    await open();
    const first = (await signIn()).session;
    const begun = await site.get('/session/with/sso', { cookie: first });
    const address = await new Visitor().signIn(locationOf(begun), 'g1', PAGE);
    const end = await back(address, `${kept(begun, 'icefall_visit')}; ${first}`);
    expect(kept(end, 'icefall_session')).not.toBe(first);
    expect((await site.get('/session', { cookie: first })).json.kind).toBe('anonymous');
  });

  test('lose the other sessions when they come in with fewer groups; tokens have what is left', async () => {
    await open();
    const { session } = await signIn();
    const csrf = (await site.get('/session', { cookie: session })).json.csrf;
    const made = await site.post('/tokens', { name: 'mine', mine: true }, { cookie: session, 'x-icefall-csrf': csrf });
    provider.accounts.g1 = { ...GRACE, groups: ['navy'] };
    const again = (await signIn()).session;
    expect((await site.get('/session', { cookie: session })).json.kind).toBe('anonymous');
    expect(await whoIs(again)).toEqual(['sso:grace', 'view', 'pauseWorker', 'reload']);
    const { grants } = (await site.get('/session', bearer(made.json.token))).json;
    expect(grants.map(({ permission }: { permission: string }) => permission)).not.toContain('drain');
  });

  test('leave nothing to somebody else who gets their name', async () => {
    await open();
    const { session } = await signIn();
    const csrf = (await site.get('/session', { cookie: session })).json.csrf;
    const made = await site.post('/tokens', { name: 'mine', mine: true }, { cookie: session, 'x-icefall-csrf': csrf });
    provider.accounts.g2 = GRACE;
    const other = (await signIn('g2')).session;
    expect((await whoIs(other))[0]).toBe('sso:grace');
    expect((await site.get('/session', { cookie: session })).json.kind).toBe('anonymous');
    expect((await site.get('/session', bearer(made.json.token))).json.error.code).toBe('bad_token');
  });

  test('are believed for as long as the site says, and not when it names the provider no more', async () => {
    await open({ believedFor: '1h' });
    const { session } = await signIn();
    site.site.clock.advance(3_599_000);
    expect((await site.get('/session', { cookie: session })).json.kind).toBe('person');
    site.site.clock.advance(2000);
    expect((await site.get('/session', { cookie: session })).json.kind).toBe('anonymous');
  });

  test('are signed out under the name that they had before', async () => {
    await open();
    const { session } = await signIn();
    provider.accounts.g1 = { ...GRACE, preferred_username: 'hopper' };
    expect((await whoIs((await signIn()).session))[0]).toBe('sso:hopper');
    expect((await site.get('/session', { cookie: session })).json.kind).toBe('anonymous');
  });

  test('who are disabled here are kept out, whatever they call themselves there', async () => {
    await open();
    await signIn();
    await site.operate('/users/sso:grace/disable', { disabled: true });
    expect(locationOf((await signIn()).end)).toBe('/?signIn=bad_login');
    provider.accounts.g1 = { ...GRACE, preferred_username: 'hopper' };
    expect(locationOf((await signIn()).end)).toBe('/?signIn=bad_login');
    expect(newest()?.detail).toContain('is disabled');
  });

  test('sign out at the provider as well', async () => {
    await open();
    const { session } = await signIn();
    const csrf = (await site.get('/session', { cookie: session })).json.csrf;
    const { json } = await site.post('/session/end', {}, { cookie: session, 'x-icefall-csrf': csrf });
    const next = new URL(json.next);
    expect([next.origin, next.searchParams.get('post_logout_redirect_uri')]).toEqual([provider.issuer, `${PAGE}/`]);
    expect((await site.get('/session', { cookie: session })).json.kind).toBe('anonymous');
  });

  test('cannot come in by a provider that is not there, or that the site does not name', async () => {
    await open({ issuer: 'http://127.0.0.1:1' });
    expect(locationOf(await begin())).toBe('/?signIn=sign_in_unavailable');
    expect(newest()).toMatchObject({ result: 'sign_in_unavailable', detail: expect.stringContaining('127.0.0.1:1') });
    expect(site.site.complaints).toHaveLength(1);
    expect((await site.get('/session/with/other')).status).toBe(404);
  });

  test('cannot come in with the wrong client secret, and it is nowhere to be read', async () => {
    writeFileSync(ground.path('wrong.secret'), 'another secret than theirs');
    await open({ clientSecret: { file: ground.path('wrong.secret') } });
    expect(locationOf((await signIn()).end)).toBe('/?signIn=sign_in_unavailable');
    expect(site.site.complaints.join()).toContain('invalid_client');
    const everything = site.site.core.db.all('SELECT * FROM audit');
    expect(JSON.stringify([everything, site.site.complaints])).not.toContain('another secret');
  });
});
