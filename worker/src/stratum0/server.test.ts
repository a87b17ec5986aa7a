import { request, type Server } from 'node:http';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { objectName } from './objects/object-store.ts';
import { currentManifest } from './repository.ts';
import { parseRange, serve } from './server.ts';
import { makeTree, REPOSITORY, type TestSite, testSite, treePublished } from './testing/site.ts';
import { hashOf } from './trust/signing.ts';
import { beginTransaction } from './verbs/begin.ts';
import { collectGarbage } from './verbs/collect.ts';
import { publish } from './verbs/publish.ts';

function portOf(server: Server): number {
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('not listening');
  return address.port;
}

describe('the HTTP server', () => {
  let site: TestSite;
  let server: Server;
  let url: string;
  beforeEach(async () => {
    site = await testSite();
    await beginTransaction(site.context, REPOSITORY, '');
    makeTree(site.paths.mount, { file: 'file 644 content', dir: 'dir 755' });
    await publish(site.context, REPOSITORY, { tag: null, description: '' });
    server = await serve({ directory: site.directory, host: '127.0.0.1', port: 0, say: () => {} });
    url = `http://127.0.0.1:${portOf(server)}/cvmfs/${REPOSITORY}`;
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
    site.remove();
  });

  test('gives clients the whole published tree', async () => {
    expect(await treePublished(site, url)).toEqual({ file: 'file 644 content', dir: 'dir 755' });
  });

  test('lets proxies keep what is replaced for a minute, objects for ever, and nobody what is not there', async () => {
    for (const name of ['.cvmfspublished', '.cvmfswhitelist', '.cvmfsreflog', '.cvmfs_master_replica'])
      expect((await fetch(`${url}/${name}`)).headers.get('cache-control')).toBe('public, max-age=61');
    for (const name of ['.cvmfs_last_snapshot', `data/00/${'0'.repeat(38)}`])
      expect((await fetch(`${url}/${name}`)).headers.get('cache-control')).toBe('no-cache');
    const { root } = await currentManifest(site.paths);
    const object = await fetch(`${url}/${objectName(root, 'C')}`);
    expect(object.headers.get('cache-control')).toContain('immutable');
    expect(object.headers.get('etag')).toBe(`"${root}C"`);
  });

  test('gives mirrors what they ask for before they copy', async () => {
    const mark = await fetch(`${url}/.cvmfs_master_replica`, { method: 'HEAD' });
    expect(mark.status).toBe(200);
    const reflog = Buffer.from(await (await fetch(`${url}/.cvmfsreflog`)).arrayBuffer());
    expect(hashOf(reflog)).toBe((await currentManifest(site.paths)).reflog);
    expect((await fetch(`${url}/.cvmfs_status.json`)).status).toBe(404);
    await collectGarbage(site.context, REPOSITORY);
    expect(await (await fetch(`${url}/.cvmfs_status.json`)).json()).toHaveProperty('last_gc');
  });

  test('tells monitors which repositories there are', async () => {
    const list = await fetch(new URL('/cvmfs/info/v1/repositories.json', url));
    expect([list.headers.get('content-type'), list.headers.get('cache-control')]).toEqual([
      'application/json',
      'public, max-age=61',
    ]);
    expect(await list.json()).toEqual({
      schema: 1,
      repositories: [{ name: REPOSITORY, url: `/cvmfs/${REPOSITORY}` }],
      replicas: [],
    });
  });

  test('answers HEAD, conditional requests and ranges', async () => {
    const { root } = await currentManifest(site.paths);
    const object = `${url}/${objectName(root, 'C')}`;
    const whole = Buffer.from(await (await fetch(object)).arrayBuffer());
    const head = await fetch(object, { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length')]).toEqual([200, String(whole.length)]);
    expect((await fetch(object, { headers: { 'If-None-Match': `"${root}C"` } })).status).toBe(304);
    const part = await fetch(object, { headers: { Range: 'bytes=2-5' } });
    expect([part.status, part.headers.get('content-range')]).toEqual([206, `bytes 2-5/${whole.length}`]);
    expect(Buffer.from(await part.arrayBuffer())).toEqual(whole.subarray(2, 6));
    expect((await fetch(object, { headers: { Range: `bytes=${whole.length}-` } })).status).toBe(416);
  });

  /** The answer to a target as it is, which `fetch` would make canonical. */
  const statusOf = (target: string) =>
    new Promise((resolve, reject) => {
      const { port } = new URL(url);
      request({ host: '127.0.0.1', port, path: target }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .on('error', reject)
        .end();
    });

  test.each([
    ...['/../keys/x', '/%2e%2e/x', '/data/../../x', '/data/ab/short', '/nothing', ''],
    ...['/..%2f..%2fkeys%2fx', '/%2e%2e%2f.cvmfspublished', '/.cvmfspublished%00', '/%', '/%ff', '/.cvmfspublished/'],
  ])('has nothing at %j', async (path) => {
    expect(await statusOf(`/cvmfs/${REPOSITORY}${path}`)).toBe(404);
  });

  test('knows a path however it is written', async () => {
    const path = `/cvmfs/${REPOSITORY}/.cvmfspublished`;
    const written = [
      path,
      path.replaceAll('.', '%2E'),
      path.replaceAll('/', '//'),
      `${path}?x=/`,
      new URL(path, url).href,
    ];
    for (const target of written) expect([target, await statusOf(target)]).toEqual([target, 200]);
  });

  test('tells clients that ask which mirror is near that it does not know', async () => {
    expect(await statusOf(`/cvmfs/${REPOSITORY}/api/v1.0/geo/x/a.example,b.example`)).toBe(404);
  });

  test('refuses to write', async () => {
    expect((await fetch(`${url}/.cvmfspublished`, { method: 'PUT', body: 'x' })).status).toBe(405);
  });

  test('says so when the port is taken', async () => {
    const second = serve({ directory: site.directory, host: '127.0.0.1', port: portOf(server), say: () => {} });
    await expect(second).rejects.toMatchObject({ code: 'port_taken', message: expect.stringContaining('--port') });
  });
});

describe('ranges', () => {
  test.each([
    ['bytes=0-0', [0, 0]],
    ['bytes=5-', [5, 9]],
    ['bytes=-3', [7, 9]],
    ['bytes=-30', [0, 9]],
    ['bytes=3-99', [3, 9]],
    ['bytes=10-', 'unsatisfiable'],
    ['bytes=-0', 'unsatisfiable'],
    ['bytes=5-3', null],
    ['bytes=0-1,3-4', null],
    ['lines=1-2', null],
    [undefined, null],
  ])('%s of ten bytes', (header, expected) => {
    expect(parseRange(header, 10)).toEqual(expected);
  });
});
