import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { clientOf, type TestClient } from './test-client.ts';
import { addHistory, addManyBuilds } from './test-history.ts';
import { TestSite } from './test-site.ts';

const GZIP = { 'accept-encoding': 'gzip, deflate' };
const CODE = 'const answer = 42;\n'.repeat(500);
let site: TestSite;
let client: TestClient;
beforeEach(async () => {
  site = new TestSite();
  const pageDirectory = join(site.directory, 'dist');
  mkdirSync(join(pageDirectory, 'assets'), { recursive: true });
  writeFileSync(join(pageDirectory, 'assets/main-abc.js'), CODE);
  client = await clientOf(site, { pageDirectory });
});
afterEach(async () => {
  await client[Symbol.asyncDispose]();
  await site[Symbol.asyncDispose]();
});

/** Without the client's look at the JSON: its text is compressed. */
async function bytesOf(url: string, headers: Record<string, string>) {
  const answer = await client.app.inject({ method: 'GET', url, headers });
  return { headers: answer.headers, bytes: answer.rawPayload };
}

describe('compression', () => {
  test('makes the page’s data and files smaller for who takes it, and only for them', async () => {
    addManyBuilds(site, 20, { steps: 3, everyMs: 1000 });
    for (const url of ['/api/v1/builds', '/assets/main-abc.js']) {
      const plain = await bytesOf(url, {});
      const packed = await bytesOf(url, GZIP);
      expect(plain.headers['content-encoding'], url).toBeUndefined();
      expect([packed.headers['content-encoding'], packed.headers.vary], url).toEqual(['gzip', 'accept-encoding']);
      expect(packed.bytes.length, url).toBeLessThan(plain.bytes.length / 3);
      expect(gunzipSync(packed.bytes).toString(), url).toBe(plain.bytes.toString());
    }
  });

  test.each(['', 'identity', 'br', 'gzip;q=0', 'gzip; q=0.0'])('is not forced on who accepts %j', async (accepted) => {
    const { headers, bytes } = await bytesOf('/assets/main-abc.js', { 'accept-encoding': accepted });
    expect([headers['content-encoding'], bytes.toString()]).toEqual([undefined, CODE]);
  });

  test('leaves short answers and texts of logs as they are', async () => {
    const { finishedLog } = addHistory(site);
    for (const path of ['health', `logs/${finishedLog}/raw`, `logs/${finishedLog}/download`])
      expect((await bytesOf(`/api/v1/${path}`, GZIP)).headers['content-encoding'], path).toBeUndefined();
  });
});
