import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { clientOf, type TestClient } from './test-client.ts';
import { TestSite } from './test-site.ts';

let site: TestSite;
let client: TestClient;
let directory: string;
beforeEach(async () => {
  site = new TestSite();
  directory = join(site.directory, 'dist');
  client = await clientOf(site, { pageDirectory: directory });
});
afterEach(async () => {
  await client[Symbol.asyncDispose]();
  await site[Symbol.asyncDispose]();
});

function buildPage(): void {
  mkdirSync(join(directory, 'assets'), { recursive: true });
  writeFileSync(join(directory, 'index.html'), '<!doctype html>page');
  writeFileSync(join(directory, 'theme.js'), 'theme');
  writeFileSync(join(directory, 'assets/main-abc123.js'), 'code');
  writeFileSync(join(directory, '.hidden'), 'secret');
  writeFileSync(join(site.directory, 'outside.txt'), 'secret');
}

describe('the page', () => {
  test('answers every address of a view, and is never old', async () => {
    buildPage();
    for (const path of [
      '/',
      '/index.html',
      '/builders/tools_v1.1.0',
      '/builds/17/steps/1/logs/9',
      '/queue?builder=x',
    ]) {
      const { status, text, headers } = await client.get(path);
      expect([status, text], path).toEqual([200, '<!doctype html>page']);
      expect(headers['content-type']).toContain('text/html');
      expect(headers['cache-control'], path).toMatch(/no-cache|max-age=0/);
    }
  });

  test('has its hashed files kept for ever, and its others asked for anew', async () => {
    buildPage();
    const code = await client.get('/assets/main-abc123.js');
    expect([code.text, code.headers['cache-control']]).toEqual(['code', 'public, max-age=31536000, immutable']);
    expect(code.headers['content-type']).toContain('javascript');
    const theme = await client.get('/theme.js');
    expect([theme.text, theme.headers['cache-control']]).toEqual(['theme', 'public, max-age=0']);
  });

  test('does not answer for the API, webhooks and files that are not there', async () => {
    buildPage();
    for (const path of ['/api', '/api/v1/none', '/api/v2/builds', '/hooks', '/assets/main-old.js'])
      expect((await client.get(path)).json?.error.code, path).toBe('not_found');
    expect((await client.get('/hooks/gitea')).status).toBe(405);
    expect((await client.post('/builders/linux')).status).toBe(404);
  });

  test('gives nothing from outside its folder, nor what is hidden in it', async () => {
    buildPage();
    for (const path of [
      '/../outside.txt',
      '/..%2foutside.txt',
      '/%2e%2e/outside.txt',
      '/assets/..%5c..%5coutside.txt',
      '/.hidden',
      '/%00',
    ])
      expect((await client.get(path)).text, path).not.toContain('secret');
  });

  test('that is not built is told how to build, and served once it is', async () => {
    const before = await client.get('/builders/linux');
    expect([before.status, before.text]).toEqual([503, expect.stringContaining('setup.mjs --page')]);
    buildPage();
    expect((await client.get('/builders/linux')).status).toBe(200);
  });
});
