import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { MOST_OF_USER } from '../access/api-tokens.ts';
import { LONGEST_SESSION_MS, MOST_IDLE_MS, ROTATE_AFTER_MS, ROTATION_GRACE_MS } from '../access/sessions.ts';
import { MOST_FOR_NAME } from '../access/sign-in-limits.ts';
import { AccessSite, bearer, cookieOf, OPERATOR, PASSWORD, siteWith } from './test-access.ts';

let site: AccessSite;
beforeEach(async () => {
  site = await AccessSite.open();
});
afterEach(() => site[Symbol.asyncDispose]());

const codeOf = ({ status, json }: { status: number; json: ReturnType<typeof JSON.parse> }) => [
  status,
  json?.error?.code,
];
const idsOf = (list: readonly { id: number }[]) => list.map(({ id }) => id);

async function signIn(user: string, password = PASSWORD) {
  const answer = await site.post('/session', { user, password });
  return { answer, cookie: cookieOf(answer), csrf: { 'x-icefall-csrf': String(answer.json?.csrf) } };
}

describe('what somebody may view', () => {
  test('is nothing without a name, where no role is for everyone, on whatever machine they are', async () => {
    expect(codeOf(await site.get('/snapshot'))).toEqual([401, 'sign_in_needed']);
    expect(codeOf(await site.ask({ url: '/api/v1/builds/1', local: true }))).toEqual([401, 'sign_in_needed']);
    expect((await site.get('/health')).status).toBe(200);
    expect((await site.get('/session')).json).toMatchObject({ kind: 'anonymous', name: null, grants: [] });
  });

  test('is all for who may view all', async () => {
    const vic = await site.person('vic');
    const { json } = await site.get('/snapshot', vic);
    expect(json.builders.map(({ name }: { name: string }) => name)).toEqual(['linux', 'docs']);
    expect((await site.get('/config', vic)).status).toBe(200);
  });

  test('is one builder and what belongs to it for who may work with that one only', async () => {
    const fay = await site.person('fay');
    const { json } = await site.get('/snapshot', fay);
    expect(json.builders.map(({ name }: { name: string }) => name)).toEqual(['docs']);
    expect(idsOf(json.builds)).toEqual([2]);
    expect(json.requests.every(({ builder }: { builder: string }) => builder === 'docs')).toBe(true);
    expect(json.workers.map(({ name }: { name: string }) => name)).toEqual(['w1']);
    expect(idsOf((await site.get('/builds', fay)).json.builds)).toEqual([2]);
    expect(idsOf((await site.get('/requests', fay)).json.requests)).toEqual([2]);
    expect((await site.get('/builders', fay)).json.builders).toHaveLength(1);
    // A change that both builders build.
    expect(idsOf((await site.get('/changes', fay)).json.changes)).toEqual([1]);
    expect((await site.get('/logs/2/lines', fay)).json.lines[0].text).toBe('one');
    expect(codeOf(await site.get('/config', fay))).toEqual([403, 'denied']);
  });

  test('is not there for who may not view it: the answer is that of what does not exist', async () => {
    const fay = await site.person('fay');
    for (const [hidden, absent] of [
      ['/builds/1', '/builds/99'],
      ['/builders/linux', '/builders/none'],
      ['/builders/linux/builds/1', '/builders/linux/builds/99'],
      ['/logs/1', '/logs/99'],
      ['/logs/1/raw', '/logs/99/raw'],
      ['/requests/1', '/requests/99'],
    ] as const) {
      const [seen, nothing] = [await site.get(hidden, fay), await site.get(absent, fay)];
      expect(codeOf(seen), hidden).toEqual([404, 'not_found']);
      const plain = (text: string) => text.replace(/\d+|linux|none/g, '*');
      expect(plain(seen.text), hidden).toBe(plain(nothing.text));
    }
    expect((await site.ask({ url: '/badges/linux.svg', headers: fay })).status).toBe(404);
    expect((await site.ask({ url: '/cc.xml', headers: fay })).text).not.toContain('linux');
  });

  test('goes by groups, tags and verified mail, too', async () => {
    const keeper = await site.person('kim', { groups: ['keepers'] });
    expect((await site.get('/session', keeper)).json.grants).toEqual([
      { permission: 'view', builders: ['linux'] },
      { permission: 'stop', builders: ['linux'] },
      { permission: 'rebuild', builders: ['linux'] },
    ]);
    const colleague = await site.person('cleo', { mail: 'Cleo@Example.org' });
    expect((await site.get('/builders', colleague)).json.builders).toHaveLength(2);
    const stranger = await site.person('sam', { mail: 'sam@sub.example.org' });
    expect(codeOf(await site.get('/builders', stranger))).toEqual([403, 'denied']);
  });
});

describe('what somebody may do', () => {
  const values = { variant: 'v1' };

  test('is allowed with every builder that it touches, or not at all', async () => {
    const fay = await site.person('fay');
    const both = await site.post('/schedulers/force/force', { values }, fay);
    expect(codeOf(both)).toEqual([403, 'denied']);
    const one = await site.post('/schedulers/force/force', { values, builders: ['docs'], owner: 'Ada' }, fay);
    expect(one.json.buildset).toMatchObject({ owner: 'fay' });
    expect(codeOf(await site.post('/schedulers/force/force', { values, builders: ['linux'] }, fay))[0]).toBe(404);
    expect(codeOf(await site.post('/builds/2/stop', {}, fay))).toEqual([403, 'denied']);
    // Who may stop nothing hears the same of what is hidden and of what is not there.
    expect(codeOf(await site.post('/builds/1/stop', {}, fay))).toEqual([403, 'denied']);
    expect(codeOf(await site.post('/builds/99/stop', {}, fay))).toEqual([403, 'denied']);
    const kim = await site.person('kim', { groups: ['keepers'] });
    expect(codeOf(await site.post('/builds/2/stop', {}, kim))).toEqual([404, 'not_found']);
    expect(codeOf(await site.post('/builds/1/stop', {}, kim))).toEqual([409, 'conflict']);
  });

  test('is on record under the name that was recognised, with where it came from and how it went', async () => {
    const fay = await site.person('fay');
    const ada = await site.person('ada');
    await site.post('/builds/2/stop', { owner: 'somebody else' }, fay);
    await site.post('/builds/2/stop', { owner: 'somebody else' }, ada);
    const { json } = await site.get('/audit?limit=2', ada);
    expect(json.entries).toMatchObject([
      { who: 'ada', origin: '192.0.2.7', action: 'stop', object: 'build 2', result: 'ok' },
      { who: 'fay', origin: '192.0.2.7', action: 'stopBuild', object: '/api/v1/builds/2/stop', result: 'denied' },
    ]);
    expect(json.next).toBe(json.entries[1].id);
    expect(site.site.deeds).toEqual(['stop 2: stopped by ada']);
    expect(codeOf(await site.get('/audit', fay))).toEqual([403, 'denied']);
  });

  test('is refused before its body is read', async () => {
    const large = { message: 'x'.repeat(2 * 1024 * 1024), repository: 'r' };
    expect(codeOf(await site.post('/schedulers/force/force', large))).toEqual([401, 'sign_in_needed']);
  });

  test('is refused to somebody else who shows the same Idempotency-Key', async () => {
    const [fay, ada] = [await site.person('fay'), await site.person('ada')];
    const ask = (who: object) =>
      site.post('/schedulers/force/force', { values, builders: ['docs'] }, { ...who, 'idempotency-key': 'k' });
    expect((await ask(fay)).status).toBe(200);
    expect(codeOf(await ask(ada))).toEqual([409, 'idempotency_key_reused']);
  });
});

describe('a master whose site declares no access', () => {
  test('lets its own machine do everything, nobody elsewhere anything, and no proxy', async () => {
    await site.site.core.turn(() => site.site.config.replace({ ...site.site.config.site, access: null }));
    const status = async (local: boolean, headers = {}) =>
      (await site.ask({ url: '/api/v1/snapshot', local, headers })).status;
    expect([await status(true), await status(false), await status(true, { 'x-forwarded-for': '192.0.2.9' })]).toEqual([
      200, 401, 401,
    ]);
    expect(codeOf(await site.post('/session', { user: 'ada', password: PASSWORD }))).toEqual([401, 'bad_login']);
  });
});

describe("the operator's token", () => {
  test('may do everything, on the machine of the master', async () => {
    const ask = (local: boolean, more = {}) =>
      site.ask({ url: '/api/v1/users', local, headers: { ...bearer(OPERATOR), ...more } });
    expect((await ask(true)).status).toBe(200);
    expect(codeOf(await ask(false))).toEqual([401, 'bad_token']);
    expect(codeOf(await ask(true, { 'x-forwarded-for': '10.0.0.1' }))).toEqual([401, 'bad_token']);
  });
});

describe('an API token', () => {
  const make = async (values: object) => {
    const { json } = await site.operate('/tokens', { name: 'deploy', ...values });
    return { id: json.id, headers: bearer(json.token) };
  };

  test('may do what it was made for, says when it was used, and is stored as a hash', async () => {
    const { headers, id } = await make({ allow: ['force'], builders: ['docs'] });
    const forced = await site.post(
      '/schedulers/force/force',
      { values: { variant: 'v1' }, builders: ['docs'] },
      headers,
    );
    expect(forced.json.buildset.owner).toBe('token deploy');
    expect(codeOf(await site.post('/builds/2/stop', {}, headers))).toEqual([403, 'denied']);
    const ada = await site.person('ada');
    const listed = (await site.get('/tokens', ada)).json.tokens.find((token: { id: number }) => token.id === id);
    expect(listed).toMatchObject({ usedFrom: '192.0.2.7', createdBy: 'operator' });
    expect(listed).not.toHaveProperty('token');
    const stored = JSON.stringify(site.site.core.db.all('SELECT * FROM api_tokens'));
    expect(stored).not.toContain(headers.authorization?.slice('Bearer '.length));
  });

  test('is of no use once it is revoked, expired, or its person disabled; and never counts as no token', async () => {
    const { headers, id } = await make({ allow: ['view'] });
    expect((await site.get('/builders', headers)).status).toBe(200);
    await site.operate(`/tokens/${id}/revoke`);
    expect(codeOf(await site.get('/builders', headers))).toEqual([401, 'bad_token']);
    expect(codeOf(await site.get('/health', headers))).toEqual([401, 'bad_token']);
    const short = await make({ allow: ['view'], expiresDays: 1 });
    const vic = await site.person('vic');
    site.site.clock.advance(86_400_000);
    expect(codeOf(await site.get('/builders', short.headers))).toEqual([401, 'bad_token']);
    expect((await site.get('/builders', vic)).status).toBe(200);
    await site.operate('/users/vic/disable', { disabled: true });
    expect(codeOf(await site.get('/builders', vic))).toEqual([401, 'bad_token']);
    await site.operate('/users/vic/disable', { disabled: false });
    expect(codeOf(await site.get('/builders', vic))).toEqual([401, 'bad_token']);
  });

  test('makes no other token, unless it may admin', async () => {
    const { headers } = await make({ allow: ['force'] });
    expect(codeOf(await site.post('/tokens', { name: 'x', allow: ['admin'] }, headers))).toEqual([403, 'denied']);
    const vic = await site.person('vic');
    expect(codeOf(await site.post('/tokens', { name: 'x', mine: true }, vic))).toEqual([403, 'denied']);
    const admin = await make({ allow: ['admin'] });
    expect((await site.post('/tokens', { name: 'x', allow: ['view'] }, admin.headers)).status).toBe(200);
  });

  test('is made for a person, or for programs, as long as they have not too many; long after its end it is forgotten', async () => {
    const ada = await site.person('ada');
    const { tokens } = site.client.door.access;
    const scope = { allow: null, builders: null };
    const one = () =>
      tokens.create({ name: 'n', user: 'ada', scope, createdBy: 'ada', expiresAt: site.site.core.now() + 1000 });
    for (let i = 1; i < MOST_OF_USER; i += 1) one();
    const refused = await site.post('/login', { user: 'ada', password: PASSWORD });
    expect(codeOf(refused)).toEqual([422, 'bad_account']);
    expect((await site.operate('/tokens', { name: 'program', allow: ['view'] })).status).toBe(200);
    site.site.clock.advance(1001);
    expect((await site.post('/login', { user: 'ada', password: PASSWORD })).status).toBe(200);
    expect(tokens.ofUser('ada')).toHaveLength(MOST_OF_USER + 1);
    site.site.clock.advance(90 * 86_400_000);
    await site.operate('/tokens', { name: 'program', allow: ['view'] });
    expect(tokens.ofUser('ada').length).toBeLessThan(3);
    expect((await site.get('/builders', ada)).status).toBe(401);
  });

  test('of a program sees and ends no other token, nor does one that may do less than its person', async () => {
    const [deploy, other] = [await make({ allow: ['view'] }), await make({ allow: ['force'] })];
    const login = await site.person('ada');
    const { cookie, csrf } = await signIn('ada');
    const { json } = await site.post('/tokens', { name: 'n', mine: true, allow: ['view'] }, { ...cookie, ...csrf });
    const narrow = { id: json.id, headers: bearer(json.token) };
    for (const { id, headers } of [deploy, narrow]) {
      const listed = (await site.get('/tokens', headers)).json.tokens.map((token: { id: number }) => token.id);
      expect(listed).toEqual([id]);
      expect(codeOf(await site.post(`/tokens/${other.id}/revoke`, {}, headers))).toEqual([404, 'not_found']);
      expect((await site.post('/session/end', { everywhere: true }, headers)).status).toBe(200);
      expect(codeOf(await site.get('/tokens', headers))).toEqual([401, 'bad_token']);
    }
    for (const shown of [other.headers, login, cookie]) expect((await site.get('/builders', shown)).status).toBe(200);
  });

  test('of a person never exceeds what the person may do', async () => {
    await site.person('fay');
    const { cookie, csrf } = await signIn('fay');
    const { json } = await site.post(
      '/tokens',
      { name: 'mine', mine: true, allow: ['admin', 'force'] },
      { ...cookie, ...csrf },
    );
    const { grants } = (await site.get('/session', bearer(json.token))).json;
    expect(grants).toEqual([
      { permission: 'view', builders: ['docs'] },
      { permission: 'force', builders: ['docs'] },
    ]);
  });
});

describe('a session', () => {
  beforeEach(() => site.person('ada'));

  test('is kept in a cookie that scripts do not see and other sites do not send, of which only a hash is stored', async () => {
    const { answer, cookie } = await signIn('ada');
    expect(answer.headers['set-cookie']).toMatch(
      /^icefall_session=[\w-]{43}; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Lax$/,
    );
    expect((await site.get('/session', cookie)).json).toMatchObject({ kind: 'person', name: 'ada' });
    const secret = cookie.cookie?.split('=')[1] ?? '';
    expect(JSON.stringify(site.site.core.db.all('SELECT * FROM sessions'))).not.toContain(secret);
  });

  test('changes nothing without what only its own page knows', async () => {
    const { cookie, csrf } = await signIn('ada');
    expect(codeOf(await site.post('/drain', { drain: true }, cookie))).toEqual([403, 'bad_csrf']);
    const wrong = { ...cookie, 'x-icefall-csrf': 'guess' };
    expect(codeOf(await site.post('/drain', { drain: true }, wrong))).toEqual([403, 'bad_csrf']);
    expect((await site.post('/drain', { drain: true }, { ...cookie, ...csrf })).status).toBe(200);
  });

  test('gets a new cookie every hour, and the old one is soon of no use', async () => {
    const { cookie } = await signIn('ada');
    site.site.clock.advance(ROTATE_AFTER_MS);
    const renewed = await site.get('/session', cookie);
    const next = cookieOf(renewed);
    expect(next.cookie).not.toBe(cookie.cookie);
    expect((await site.get('/session', cookie)).json.kind).toBe('person');
    site.site.clock.advance(ROTATION_GRACE_MS + 1);
    expect((await site.get('/session', cookie)).json.kind).toBe('anonymous');
    expect((await site.get('/session', next)).json.kind).toBe('person');
  });

  test('ends when nobody uses it, and after a week however much it is used', async () => {
    const { cookie } = await signIn('ada');
    site.site.clock.advance(MOST_IDLE_MS);
    expect((await site.get('/session', cookie)).json.kind).toBe('anonymous');
    let used = (await signIn('ada')).cookie;
    for (let ms = 0; ms < LONGEST_SESSION_MS; ms += ROTATE_AFTER_MS) {
      const answer = await site.get('/session', used);
      expect(answer.json.kind).toBe('person');
      if (answer.headers['set-cookie'] !== undefined) used = cookieOf(answer);
      site.site.clock.advance(ROTATE_AFTER_MS);
    }
    expect((await site.get('/session', used)).json.kind).toBe('anonymous');
  });

  test('ends when its person signs out, and all of them when they sign out everywhere', async () => {
    const [first, second, third] = [await signIn('ada'), await signIn('ada'), await signIn('ada')];
    await site.post('/session/end', {}, { ...first.cookie, ...first.csrf });
    expect((await site.get('/session', first.cookie)).json.kind).toBe('anonymous');
    expect((await site.get('/session', second.cookie)).json.kind).toBe('person');
    await site.post('/session/end', { everywhere: true }, { ...second.cookie, ...second.csrf });
    expect((await site.get('/session', third.cookie)).json.kind).toBe('anonymous');
  });

  test('gets another cookie with each sign-in, and the one that the browser had before is of no use', async () => {
    const first = await signIn('ada');
    const shown = { ...first.cookie, ...first.csrf };
    const again = await site.post('/session', { user: 'ada', password: PASSWORD }, shown);
    expect(cookieOf(again).cookie).not.toBe(first.cookie.cookie);
    expect((await site.get('/session', first.cookie)).json.kind).toBe('anonymous');
    expect((await site.get('/session', cookieOf(again))).json.name).toBe('ada');
  });

  test('ends when its person loses a group, in every browser; tokens have what is left', async () => {
    const token = await site.person('kim', { groups: ['keepers', 'others'] });
    const [here, there] = [await signIn('kim'), await signIn('kim')];
    const more = await site.operate('/users/kim/groups', { groups: ['keepers', 'others', 'more'] });
    expect(more.json.groups).toEqual(['keepers', 'others', 'more']);
    expect((await site.get('/session', here.cookie)).json.kind).toBe('person');
    await site.operate('/users/kim/groups', { groups: ['others'] });
    for (const { cookie } of [here, there]) expect((await site.get('/session', cookie)).json.kind).toBe('anonymous');
    expect((await site.get('/session', token)).json).toMatchObject({ name: 'kim', grants: [] });
    expect(codeOf(await site.operate('/users/nobody/groups', { groups: [] }))).toEqual([422, 'bad_account']);
  });

  test('ends with another password, which its own person changes by showing the one before', async () => {
    const vic = await site.person('vic');
    const { cookie, csrf } = await signIn('vic');
    const change = (values: object, headers: object) =>
      site.post('/users/vic/password', { password: 'another long one', ...values }, { ...headers });
    expect(codeOf(await change({}, vic))).toEqual([403, 'denied']);
    const own = { ...cookie, ...csrf };
    expect(codeOf(await change({ current: 'wrong' }, own))).toEqual([401, 'bad_login']);
    expect(codeOf(await change({ current: PASSWORD, password: 'short' }, own))).toEqual([422, 'bad_account']);
    expect((await change({ current: PASSWORD }, own)).status).toBe(200);
    expect((await site.get('/session', cookie)).json.kind).toBe('anonymous');
    expect((await signIn('vic', 'another long one')).answer.status).toBe(200);
  });
});

describe('guessing passwords', () => {
  test('is over after a few, for a name and an address, and everything of it is on record', async () => {
    const ada = await site.person('ada');
    for (let i = 0; i < MOST_FOR_NAME; i += 1)
      expect(codeOf((await signIn('ada', `guess ${i}`)).answer)).toEqual([401, 'bad_login']);
    expect(codeOf((await signIn('ada')).answer)).toEqual([429, 'too_many_attempts']);
    const entries = (await site.get('/audit?action=signIn&result=bad_login', ada)).json.entries;
    expect(entries).toHaveLength(MOST_FOR_NAME);
    expect(entries[0]).toMatchObject({ who: 'ada', origin: '192.0.2.7' });
    site.site.clock.advance(15 * 60_000);
    expect((await signIn('ada')).answer.status).toBe(200);
  });

  test('is not quicker all at once: beyond the limit even the right one is refused', async () => {
    await site.person('ada');
    const guesses = Array.from({ length: MOST_FOR_NAME + 2 }, (_, i) => `guess ${i}`);
    const answers = await Promise.all([...guesses, PASSWORD].map(async (guess) => (await signIn('ada', guess)).answer));
    const codes = answers.map(({ json }) => json.error?.code);
    expect(codes.filter((code) => code === 'bad_login')).toHaveLength(MOST_FOR_NAME);
    expect(codes.filter((code) => code === 'too_many_attempts')).toHaveLength(3);
  });

  test('tells a wrong name from a wrong password by nothing', async () => {
    await site.person('ada');
    const [wrong, unknown] = [await signIn('ada', 'wrong'), await signIn('nobody', 'wrong')];
    expect(unknown.answer.text).toBe(wrong.answer.text);
  });
});

describe('the events of a stream', () => {
  test('are those of what its reader may view, and the stream ends with the right to it', async () => {
    const { token } = (await site.operate('/tokens', { name: 't', allow: ['view'], builders: ['docs'] })).json;
    const stream = site.client.app.inject({
      url: '/api/v1/events',
      headers: bearer(token),
      remoteAddress: '192.0.2.7',
    });
    await site.get('/health');
    site.site.core.turn(() => {
      for (const name of ['linux', 'docs']) site.site.core.touch('builder', name);
      for (const id of [1, 2]) site.site.core.touch('build', id);
    });
    site.site.settle();
    // Another configuration gives this token nothing else; revoking it ends what it reads.
    site.site.core.turn(() =>
      site.site.config.replace(siteWith({ roles: { all: { allow: ['view'], members: 'everyone' } } })),
    );
    await site.operate('/tokens/1/revoke');
    const { body } = await stream;
    const events = [...body.matchAll(/^event: (\w+)\ndata: (.*)$/gm)].map(([, kind, data]) => [
      kind,
      JSON.parse(data ?? '').key,
    ]);
    expect(events).toEqual([
      ['builder', 'docs'],
      ['build', '2'],
    ]);
  });
});
