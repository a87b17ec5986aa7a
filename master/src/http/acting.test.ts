import type { HookDelivery } from '@icefall/shared';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ConfigError } from '../config/problems.ts';
import { MOST_REMEMBERED } from './idempotency.ts';
import { MOST_WAITING } from './queue-room.ts';
import { clientOf, type TestClient } from './test-client.ts';
import { addHistory } from './test-history.ts';
import { REPOSITORY, TestSite } from './test-site.ts';

let site: TestSite;
let client: TestClient;
beforeEach(async () => {
  site = new TestSite();
  client = await clientOf(site);
  addHistory(site);
});
afterEach(async () => {
  await client[Symbol.asyncDispose]();
  await site[Symbol.asyncDispose]();
});

const post = (path: string, body: object = {}, headers: Record<string, string> = {}) =>
  client.post(`/api/v1${path}`, body, headers);
const count = (table: string) => site.core.db.one<{ n: number }>(`SELECT COUNT(*) AS n FROM ${table}`)?.n;
const values = { variant: 'v1' };

describe('acting over HTTP', () => {
  test('a build is stopped, and built again', async () => {
    expect((await post('/builds/2/stop', { reason: 'wrong branch', owner: 'Ada' })).json).toEqual({});
    expect((await client.get('/api/v1/builds/2')).json.stopReason).toBe('wrong branch');
    const { json } = await post('/builds/1/rebuild', { owner: 'Ada' });
    expect(json.buildset).toMatchObject({ reason: 'rebuild', owner: 'Ada', requestIds: [4] });
    expect(site.deeds).toEqual(['stop 2: wrong branch', 'rebuild 1']);
  });

  test('a request is cancelled', async () => {
    expect((await post('/requests/3/cancel')).json).toMatchObject({ id: 3, state: 'finished', result: 'CANCELLED' });
    expect(site.deeds).toEqual(['cancel 3: cancelled by 127.0.0.1']);
  });

  test('the master is told to drain, and to start builds again', async () => {
    expect((await post('/drain', { drain: true })).json).toMatchObject({ title: expect.any(String) });
    await post('/drain', { drain: false });
    expect((await post('/drain', { drain: 'yes' })).status).toBe(422);
    expect(site.deeds).toEqual(['drain true', 'drain false']);
    expect(site.audits().map(({ action }) => action)).toEqual(['drain', 'undrain']);
  });

  test('a builder for which ten thousand requests wait is asked for no more by hand; others are', async () => {
    const builders = Array.from({ length: MOST_WAITING }, () => 'docs');
    const flood = { scheduler: 's', reason: 'r', sourceStamps: [], properties: {}, priority: 0 };
    site.core.turn(() => site.buildsets.add({ ...flood, builders }));
    const before = count('requests');
    for (const [path, body] of [
      ['/schedulers/force/force', { values }],
      ['/schedulers/force/force', { values, builders: ['docs'] }],
      ['/builds/2/rebuild', {}],
    ] as const)
      expect(await post(path, body), path).toMatchObject({ status: 409, json: { error: { code: 'queue_full' } } });
    expect(count('requests')).toBe(before);
    expect((await post('/schedulers/force/force', { values, builders: ['linux'] })).status).toBe(200);
    expect((await post('/schedulers/nightly/run')).status).toBe(200);
  });

  test('what cannot be stored is refused with 503, and nothing of it is done', async () => {
    // SQLite's own word for a full disk: it may not grow beyond what it has.
    site.core.db.one('PRAGMA max_page_count = 1');
    const ask = () => post('/builds/1/rebuild', { owner: 'Ada' });
    const first = count('buildsets') ?? 0;
    let [before, refused] = [count('buildsets'), await ask()];
    for (let i = 0; i < 1000 && refused.status === 200; i += 1) [before, refused] = [count('buildsets'), await ask()];
    expect(count('buildsets')).toBe(before);
    expect(site.audits()).toHaveLength((before ?? 0) - first);
    expect(refused).toMatchObject({ status: 503, json: { error: { code: 'storage_unavailable' } } });
  });

  test('what its state does not allow is 409, what is not there 404', async () => {
    const refusals = [
      await post('/builds/1/stop'),
      await post('/requests/2/cancel'),
      await post('/builds/99/stop'),
      await post('/builds/99/rebuild'),
      await post('/requests/99/cancel'),
      await post('/workers/none/pause'),
      await post('/workers/none/token'),
      await post('/schedulers/none/force'),
      await post('/schedulers/none/enable', { enabled: true }),
      await post('/schedulers/none/run'),
    ].map(({ status, json }) => `${status} ${json.error.code}`);
    const gone = Array<string>(5).fill('404 not_found');
    expect(refusals).toEqual(['409 conflict', '409 conflict', ...gone, ...Array<string>(3).fill('404 no_scheduler')]);
    expect(site.audits()).toEqual([]);
  });

  test('a form starts its builders; a bad one is refused field by field', async () => {
    const { status, json } = await post('/schedulers/force/force', { values, builders: ['docs'], owner: 'Ada' });
    expect([status, json.buildset.owner, json.buildset.requestIds]).toEqual([200, 'Ada', [4]]);
    const bad = await post('/schedulers/force/force', { values: { variant: 'NO', other: 1 } });
    expect([bad.status, bad.json.error.code]).toEqual([422, 'bad_form']);
    expect(Object.keys(bad.json.error.fields).sort()).toEqual(['other', 'variant']);
    const wrong = await post('/schedulers/force/force', { builders: 'docs', priority: 'high', values });
    expect([wrong.status, wrong.json.error.code]).toEqual([422, 'bad_values']);
    expect(Object.keys(wrong.json.error.fields).sort()).toEqual(['builders', 'priority']);
    expect((await post('/schedulers/nightly/force', { values })).json.error.code).toBe('wrong_kind');
    expect(count('buildsets')).toBe(3);
  });

  test('a scheduler is switched off, refuses, and is run by hand', async () => {
    expect((await post('/schedulers/force/enable', { enabled: false })).json).toMatchObject({ enabled: false });
    const refused = await post('/schedulers/force/force', { values });
    expect([refused.status, refused.json.error.code]).toEqual([409, 'scheduler_disabled']);
    expect((await post('/schedulers/nightly/run')).json.buildsets).toMatchObject([{ scheduler: 'nightly' }]);
    expect((await post('/schedulers/nightly/enable', { enabled: 'yes' })).json.error.fields).toHaveProperty('enabled');
  });

  test('a worker is paused, resumed, sent away, and given a token', async () => {
    expect((await post('/workers/w1/pause')).json).toMatchObject({ name: 'w1', paused: true });
    expect((await post('/workers/w1/resume')).json).toMatchObject({ name: 'w1', paused: false });
    expect((await post('/workers/w1/shutdown', { reason: 'new disk' })).json.name).toBe('w1');
    const token = await post('/workers/w1/token', {}, { 'idempotency-key': 'k' });
    expect(token.json).toEqual({ token: 'token-of-w1' });
    expect(token.headers['cache-control']).toBe('no-store');
    expect(site.deeds).toEqual(['shutdown w1: new disk', 'token w1']);
    expect(JSON.stringify(site.core.db.all('SELECT * FROM idempotency'))).not.toContain('token-of-w1');
  });

  test('a change is taken; what the site does not want is refused field by field', async () => {
    const push = { repository: REPOSITORY, branch: 'main', revision: 'def', deliveryId: 'd1' };
    const { json } = await post('/changes', push);
    expect(json).toMatchObject({ id: 2, branch: 'main', source: 'sendchange' });
    expect((await post('/changes', push)).json.id).toBe(2);
    const bad = await post('/changes', { repository: '--upload-pack=x', branch: '-x' });
    expect([bad.status, bad.json.error.code]).toEqual([422, 'bad_change']);
    expect(Object.keys(bad.json.error.fields).sort()).toEqual(['branch', 'repository']);
    const wrong = await post('/changes', { branch: 5 });
    expect(Object.keys(wrong.json.error.fields).sort()).toEqual(['branch', 'repository']);
  });

  test('a reload is answered with the new version, or with every mistake', async () => {
    expect((await post('/reload')).json).toEqual({ configVersion: 2 });
    site.reload = () =>
      Promise.reject(
        new ConfigError([
          { place: { file: 'site.ts', line: 3 }, message: 'no such worker' },
          { place: null, message: 'no builder' },
        ]),
      );
    const { status, json } = await post('/reload');
    expect([status, json.error.code]).toEqual([422, 'bad_config']);
    expect(json.error.fields).toEqual({ 0: 'site.ts:3: no such worker', 1: 'no builder' });
  });

  test('a lock is released by force only, and the audit log says from whom and why', async () => {
    const asked = { buildId: 2, stepNumber: 1, reason: 'its machine is gone', owner: 'Ada' };
    const refused = await post('/locks/tree/release', asked);
    expect([refused.status, refused.json.error.code]).toEqual([409, 'conflict']);
    expect(refused.json.error.message).toContain('may go on beside the next holder');
    expect((await post('/locks/tree/release', { ...asked, force: true, reason: '' })).status).toBe(422);
    expect(site.deeds).toEqual([]);
    const done = await post('/locks/tree/release', { ...asked, force: true });
    expect(done.json).toMatchObject({ lock: { name: 'tree' }, fence: 7 });
    expect(site.deeds).toEqual(['release tree of 2.1: its machine is gone']);
    expect(site.core.db.one('SELECT who, origin, action, object, result, detail FROM audit')).toEqual({
      ...{ who: 'Ada', origin: '127.0.0.1', action: 'release', object: 'lock tree', result: 'ok' },
      detail: JSON.stringify({ buildId: 2, stepNumber: 1, reason: 'its machine is gone', fence: 7 }),
    });
  });

  test('everything that is done is in the audit log, with who did it', async () => {
    await post('/builds/2/stop', { owner: 'Ada' });
    await post('/requests/3/cancel');
    await post('/schedulers/force/force', { values, owner: 'Ada' });
    await post('/schedulers/nightly/enable', { enabled: false });
    await post('/workers/w1/pause');
    await post('/changes', { repository: REPOSITORY });
    await post('/reload');
    expect(site.audits().map(({ who, action, object }) => `${who}: ${action} ${object}`)).toEqual([
      'Ada: stop build 2',
      '127.0.0.1: cancel request 3',
      'Ada: force scheduler force',
      '127.0.0.1: disable scheduler nightly',
      '127.0.0.1: pause worker w1',
      `127.0.0.1: sendchange ${REPOSITORY}`,
      '127.0.0.1: reload configuration',
    ]);
  });
});

describe('an Idempotency-Key', () => {
  const key = { 'idempotency-key': 'once' };

  test('makes the same request act once, with the same answer', async () => {
    const first = await post('/schedulers/force/force', { values }, key);
    const second = await post('/schedulers/force/force', { values }, key);
    expect(second).toMatchObject({ status: 200, json: first.json });
    expect(count('buildsets')).toBe(3);
    expect(site.audits()).toHaveLength(1);
    await post('/builds/1/rebuild', {}, { 'idempotency-key': 'again' });
    await post('/builds/1/rebuild', {}, { 'idempotency-key': 'again' });
    expect(site.deeds).toEqual(['rebuild 1']);
  });

  test('of another request is refused', async () => {
    await post('/schedulers/force/force', { values }, key);
    const other = await post('/schedulers/force/force', { values: { variant: 'v2' } }, key);
    expect([other.status, other.json.error.code]).toEqual([409, 'idempotency_key_reused']);
    expect((await post('/builds/2/stop', {}, key)).status).toBe(409);
  });

  test('of a request that was refused can be used again', async () => {
    expect((await post('/schedulers/force/force', { values: {} }, key)).status).toBe(422);
    expect((await post('/schedulers/force/force', { values }, key)).status).toBe(200);
  });

  test('that is too long is refused', async () => {
    const { status } = await post('/builds/2/stop', {}, { 'idempotency-key': 'k'.repeat(201) });
    expect(status).toBe(400);
    expect(site.deeds).toEqual([]);
  });

  test('is forgotten after many others', async () => {
    await post('/workers/w1/pause', {}, key);
    site.core.turn(() =>
      site.core.db.run("UPDATE sqlite_sequence SET seq = ? WHERE name = 'idempotency'", MOST_REMEMBERED),
    );
    await post('/workers/w1/resume', {}, { 'idempotency-key': 'newest' });
    expect(site.core.db.all('SELECT key FROM idempotency')).toEqual([{ key: 'newest' }]);
  });
});

describe('a webhook', () => {
  const push = {
    ref: 'refs/heads/main',
    before: '0'.repeat(40),
    after: 'a'.repeat(40),
    commits: [],
    repository: { clone_url: REPOSITORY, html_url: 'https://git.example.org/scripts', full_name: 'x/scripts' },
  };
  const gitea = (event: string) => ({ 'x-gitea-event': event, 'x-gitea-delivery': 'd1' });

  test('event that is not used is answered well and makes nothing', async () => {
    const { status, json } = await client.post('/hooks/gitea', push, gitea('star'));
    expect([status, json.changeIds]).toEqual([200, []]);
    expect(json.ignored).toContain('star');
    expect(site.audits()).toEqual([]);
  });

  test('is refused for what is wrong with it', async () => {
    const ask = async (
      dialect: string,
      payload: string | object,
      headers: Record<string, string>,
      remoteAddress?: string,
    ) => {
      const { status, json } = await client.ask({
        method: 'POST',
        url: `/hooks/${dialect}`,
        payload,
        headers,
        ...(remoteAddress === undefined ? {} : { remoteAddress }),
      });
      return `${status} ${json.error.code}`;
    };
    const json = { 'content-type': 'application/json' };
    expect(await ask('svn', push, {})).toBe('404 unknown_dialect');
    expect(await ask('github', push, {})).toBe('404 not_configured');
    expect(await ask('gitea', push, gitea('push'), '192.0.2.1')).toBe('401 bad_signature');
    expect(await ask('gitea', '{"ref":', { ...gitea('push'), ...json })).toBe('400 bad_payload');
    expect(await ask('gitea', 'x'.repeat(25 * 1024 * 1024 + 1), { ...gitea('push'), ...json })).toBe('413 too_large');
    expect(count('changes')).toBe(1);
    const { json: page } = await client.get('/api/v1/hooks/deliveries?outcome=refused');
    expect(
      page.deliveries.map(({ dialect, code, origin, sizeBytes }: HookDelivery) => [dialect, code, origin, sizeBytes]),
    ).toEqual([
      ['gitea', 'too_large', '127.0.0.1', 25 * 1024 * 1024 + 1],
      ['gitea', 'bad_payload', '127.0.0.1', 7],
      ['gitea', 'bad_signature', '192.0.2.1', JSON.stringify(push).length],
      ['github', 'not_configured', '127.0.0.1', JSON.stringify(push).length],
      ['svn', 'unknown_dialect', '127.0.0.1', JSON.stringify(push).length],
    ]);
  });

  test('delivery can be read again, which is on record as a deed and as a delivery', async () => {
    await client.post('/hooks/gitea', push, gitea('push'));
    const { json } = await post('/hooks/deliveries/1/redeliver');
    expect(json).toMatchObject({ id: 2, outcome: 'accepted', changeIds: [2], redeliveryOf: 1, isKept: true });
    expect(site.audits().at(-1)).toMatchObject({ action: 'redeliver', object: 'delivery 1' });
    const { status, json: refusal } = await post('/hooks/deliveries/99/redeliver');
    expect([status, refusal.error.code]).toEqual([404, 'no_delivery']);
    expect(site.audit.list({ limit: 1 }).items).toMatchObject([{ object: 'delivery 99', result: 'no_delivery' }]);
    expect((await client.get('/api/v1/hooks/deliveries?limit=1')).json).toMatchObject({
      ...{ deliveries: [{ id: 2 }], next: 2 },
    });
  });

  test('may be larger than what the API takes, and of another type', async () => {
    const large = { ...push, padding: 'x'.repeat(2 * 1024 * 1024) };
    expect((await client.post('/hooks/gitea', large, gitea('star'))).status).toBe(200);
    const form = { ...gitea('star'), 'content-type': 'application/x-www-form-urlencoded' };
    const body = `payload=${encodeURIComponent(JSON.stringify(push))}`;
    expect((await client.ask({ method: 'POST', url: '/hooks/gitea', payload: body, headers: form })).status).toBe(200);
  });
});
