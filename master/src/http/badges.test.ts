import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { clientOf, type TestClient } from './test-client.ts';
import { addBuild, addBuildset, addHistory } from './test-history.ts';
import { TestSite } from './test-site.ts';

let site: TestSite;
let client: TestClient;
beforeEach(async () => {
  site = new TestSite();
  client = await clientOf(site);
});
afterEach(async () => {
  await client[Symbol.asyncDispose]();
  await site[Symbol.asyncDispose]();
});

function build(branch: string, result: 'FAILURE' | 'SUCCESS' | null): void {
  const { buildsetId, requestIds } = addBuildset(site, ['linux'], { branch });
  addBuild(site, { builder: 'linux', buildsetId, requestId: requestIds[0] ?? 0, result });
}

describe('badges', () => {
  test('tell the last result of a builder, whatever runs now, also to pages of others', async () => {
    expect((await client.get('/badges/linux.svg')).text).toContain('<title>linux: no builds</title>');
    build('main', 'FAILURE');
    build('main', null);
    const { status, text, headers } = await client.get('/badges/linux.svg');
    expect([status, headers['content-type']]).toEqual([200, 'image/svg+xml; charset=utf-8']);
    expect(headers['cross-origin-resource-policy']).toBe('cross-origin');
    expect(headers['cache-control']).toBe('no-cache');
    expect(text).toContain('<title>linux: failure</title>');
  });

  test('tell of one branch, under a label of their own that stays text', async () => {
    build('release', 'SUCCESS');
    build('main', 'FAILURE');
    const { text } = await client.get('/badges/linux.svg?branch=release&label=%3Cscript%3E%22%00');
    expect(text).toContain('<title>&lt;script&gt;&quot;: success</title>');
    expect(text).not.toContain('<script');
  });

  test('of an unknown builder, or of another kind of file, there are none', async () => {
    expect((await client.get('/badges/nobody.svg')).status).toBe(404);
    expect((await client.get('/badges/linux.png')).status).toBe(400);
  });
});

describe('cc.xml', () => {
  test('has every builder with what it does and how its last build ended', async () => {
    addHistory(site);
    const { status, text, headers } = await client.get('/cc.xml');
    expect([status, headers['content-type']]).toEqual([200, 'application/xml; charset=utf-8']);
    expect(text).toMatch(
      /<Project name="linux" activity="\w+" lastBuildStatus="Success" lastBuildLabel="1" lastBuildTime="2025-06-02T[\d:.]+Z" webUrl="[^"]+\/builders\/linux"\/>/,
    );
    expect(text).toMatch(/<Project name="docs" activity="\w+" lastBuildStatus="Unknown" webUrl="[^"]+"\/>/);
  });
});
