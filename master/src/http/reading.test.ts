import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { clientOf, type TestClient } from './test-client.ts';
import { addHistory, addManyBuilds, idsOf } from './test-history.ts';
import { NOW, SITE_WITH_URL, TestSite } from './test-site.ts';

let site: TestSite;
let client: TestClient;
let history: ReturnType<typeof addHistory>;
beforeEach(async () => {
  site = new TestSite();
  client = await clientOf(site);
  history = addHistory(site);
});
afterEach(async () => {
  await client[Symbol.asyncDispose]();
  await site[Symbol.asyncDispose]();
});

const api = (path: string) => client.get(`/api/v1${path}`);

describe('reading over HTTP', () => {
  test('the master answers for its health, its status and all that a page needs to start', async () => {
    expect((await api('/health')).json).toEqual({ status: 'ok' });
    expect((await api('/status')).json).toMatchObject({ title: 'Test site', now: NOW, workers: 2, seq: site.core.seq });
    const { json, headers } = await api('/snapshot?hours=24');
    expect(json).toMatchObject({
      seq: site.core.seq,
      builds: [{ id: 2 }, { id: 1 }],
      requests: [{ id: 2 }, { id: 3 }],
    });
    expect(headers['cache-control']).toBe('no-store');
  });

  test('it is ready while its storage takes writes, and else says why not', async () => {
    expect((await client.get('/health/live')).json).toEqual({ status: 'ok' });
    expect(await client.get('/health/ready')).toMatchObject({ status: 200, json: { status: 'ready' } });
    site.core.alarms.raise('diskSpaceLow', 'less than 1 GiB is free');
    expect((await client.get('/health/ready')).status).toBe(200);
    site.core.alarms.raise('storageUnavailable', 'the disk is full');
    expect(await client.get('/health/ready')).toMatchObject({
      status: 503,
      json: { error: { code: 'not_ready', message: 'the disk is full' } },
    });
    expect((await client.get('/health/live')).status).toBe(200);
  });

  test('the status names the address that the site says', async () => {
    await using other = new TestSite(SITE_WITH_URL);
    await using asking = await clientOf(other);
    expect((await asking.get('/api/v1/status')).json.url).toBe('https://ci.example.org');
  });

  test('builders, workers, locks and schedulers come in the order of the site', async () => {
    expect((await api('/builders')).json.builders).toMatchObject([{ name: 'linux' }, { name: 'docs' }]);
    expect((await api('/builders/linux')).json).toMatchObject({ name: 'linux', lastResult: 'SUCCESS' });
    expect((await api('/workers')).json.workers).toMatchObject([{ name: 'w1' }, { name: 'w2' }]);
    expect((await api('/workers/w1')).json).toMatchObject({ name: 'w1', buildIds: [2] });
    expect((await api('/locks')).json.locks).toMatchObject([{ name: 'disk@w2' }, { name: 'tree' }]);
    expect((await api('/schedulers')).json.schedulers).toMatchObject([
      { name: 'force', form: { fields: [{ name: 'variant', type: 'text' }] } },
      { name: 'nightly', form: null },
    ]);
  });

  test('builds, requests, buildsets, changes and logs are found by id', async () => {
    expect((await api('/builds/2')).json).toMatchObject({ id: 2, steps: [{}, { pid: 4711 }, {}] });
    expect((await api('/builders/docs/builds/1')).json.id).toBe(2);
    expect((await api('/requests/3')).json).toMatchObject({ id: 3, parentBuildId: 2 });
    expect((await api('/buildsets/1')).json).toMatchObject({ requestIds: [1, 2], changeIds: [1] });
    expect((await api('/changes/1')).json).toMatchObject({ author: 'Ada <ada@example.org>' });
    expect((await api(`/logs/${history.growingLog}`)).json).toMatchObject({ lines: 2, complete: false });
  });

  test('lists go on page by page', async () => {
    const { json } = await api('/builds?limit=1');
    expect([idsOf(json.builds), json.next]).toEqual([[2], 2]);
    expect(idsOf((await api(`/builds?limit=1&before=${json.next}`)).json.builds)).toEqual([1]);
    expect(idsOf((await api('/builds?builder=linux&state=finished&result=SUCCESS&branch=main')).json.builds)).toEqual([
      1,
    ]);
    const requests = async (query: string) => idsOf((await api(`/requests${query}`)).json.requests);
    expect(await requests('')).toEqual([3, 2, 1]);
    expect(await requests('?state=pending')).toEqual([3]);
    expect(await requests('?state=building&builder=docs')).toEqual([2]);
    expect(await requests('?builder=linux')).toEqual([3, 1]);
    expect(await requests('?limit=2&before=3')).toEqual([2, 1]);
    expect((await api('/changes?limit=1')).json).toMatchObject({ changes: [{ id: 1 }], next: null });
    expect((await api('/changes?before=1')).json).toEqual({ changes: [], next: null });
  });

  test('what does not exist is 404, with what it is that does not', async () => {
    for (const path of [
      '/builders/none',
      '/builders/none/builds/1',
      '/builders/linux/builds/99',
      '/builds/99',
      '/requests/99',
      '/buildsets/99',
      '/changes/99',
      '/workers/none',
      '/logs/99',
      '/logs/99/lines',
      '/logs/99/raw',
      '/logs/99/download',
      '/logs/99/follow',
      '/nowhere',
    ]) {
      const { status, json } = await api(path);
      expect([status, json.error.code], path).toEqual([404, 'not_found']);
    }
    expect((await api('/builds/99')).json.error.message).toBe('there is no build 99');
  });

  test('a wrong query or address is 400, with what is wrong by its name', async () => {
    const { status, json } = await api('/builds?limit=0&state=tired&before=x');
    expect([status, json.error.code]).toEqual([400, 'bad_request']);
    expect(Object.keys(json.error.fields).sort()).toEqual(['before', 'limit', 'state']);
    for (const path of [
      '/builds/x',
      '/builds/0',
      '/builds/1e3',
      '/builds?limit=201',
      '/snapshot?hours=-1',
      '/builds/%ff',
    ])
      expect((await api(path)).status, path).toBe(400);
    expect((await api('/builds?limit=1&limit=2')).status).toBe(400);
  });

  test('a wrong method is 405, with those that are right', async () => {
    const { status, json, headers } = await client.ask({ method: 'DELETE', url: '/api/v1/builds/1' });
    expect([status, json.error.code, headers.allow]).toEqual([405, 'method_not_allowed', 'GET']);
    expect((await client.ask({ method: 'GET', url: '/api/v1/builds/1/stop' })).status).toBe(405);
  });

  test('HEAD is answered like GET, without the body', async () => {
    const { status, text } = await client.ask({ method: 'HEAD', url: '/api/v1/builds/1' });
    expect([status, text]).toEqual([200, '']);
  });

  test('a mistake of ours is 500, tells nothing of itself, and is logged', async () => {
    Object.defineProperty(site.port, 'configErrors', {
      get() {
        throw new Error('secret detail');
      },
    });
    const { status, json } = await api('/status');
    expect([status, json.error.code]).toEqual([500, 'internal']);
    expect(JSON.stringify(json)).not.toContain('secret');
    expect(site.complaints).toEqual(['a request could not be answered']);
  });
});

describe('logs over HTTP', () => {
  test('lines come by number, from the end too, and never more than asked for', async () => {
    const { json } = await api(`/logs/${history.finishedLog}/lines?first=1&limit=1`);
    expect(json).toMatchObject({
      first: 1,
      total: 2,
      complete: true,
      lines: [{ n: 1, text: 'done', stream: 'stdout' }],
    });
    expect((await api(`/logs/${history.growingLog}/lines?first=-1`)).json).toMatchObject({ first: 1, complete: false });
    expect((await api(`/logs/${history.growingLog}/lines?limit=10001`)).status).toBe(400);
  });

  test('the text comes as it is, and as a file with a name that tells what it is', async () => {
    const raw = await api(`/logs/${history.finishedLog}/raw`);
    expect([raw.text, raw.headers['content-type']]).toEqual(['cloning\ndone\n', 'text/plain; charset=utf-8']);
    expect(raw.headers['x-content-type-options']).toBe('nosniff');
    const file = await api(`/logs/${history.finishedLog}/download`);
    expect(file.text).toBe('cloning\ndone\n');
    expect(file.headers['content-disposition']).toBe('attachment; filename="linux-1-checkout-stdio.txt"');
    expect((await api(`/logs/${history.growingLog}/raw`)).text).toBe('one\ntwo\n');
  });

  test('a name that would be a header of its own, or another file, is neither', async () => {
    const evil = 'x"\r\nSet-Cookie: a=b\r\n/../../etc/passwd';
    site.core.db.run('UPDATE steps SET name = ? WHERE build_id = 1 AND number = 0', evil);
    const { status, headers } = await api(`/logs/${history.finishedLog}/download`);
    expect([status, headers['set-cookie']]).toEqual([200, undefined]);
    expect(headers['content-disposition']).toBe(
      'attachment; filename="linux-1-x_Set-Cookie_a_b_.._.._etc_passwd-stdio.txt"',
    );
  });

  test('a damaged file is an error, not half a text', async () => {
    // As a larger log is kept.
    site.core.db.run('DELETE FROM small_logs WHERE log_id = ?', history.finishedLog);
    writeFileSync(join(site.directory, 'logs/0/1/0.0.log'), 'not a log');
    for (const path of ['raw', 'lines']) {
      const { status, json } = await api(`/logs/${history.finishedLog}/${path}`);
      expect([status, json.error.code]).toEqual([500, 'log_file']);
      expect(json.error.message).not.toContain(site.directory);
    }
  });
});

test('a list of the largest size is answered as documented', async () => {
  addManyBuilds(site, 200, { steps: 3, everyMs: 1000 });
  const { json } = await api('/builds?limit=200');
  expect(json.builds).toHaveLength(200);
  expect(json.builds[0].steps).toHaveLength(3);
});
