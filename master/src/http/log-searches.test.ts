import type { LogSearchPiece } from '@icefall/shared';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SseParser } from '../cli/client/sse.ts';
import { type HttpServer, startHttpServer } from './server.ts';
import { addHistory, write } from './test-history.ts';
import { TestSite } from './test-site.ts';

let site: TestSite;
let server: HttpServer;
let logId: number;
beforeEach(async () => {
  site = new TestSite();
  logId = addHistory(site).growingLog;
  server = await startHttpServer(site.port, { port: 0, pageDirectory: site.directory });
});
afterEach(async () => {
  await server.close();
  await site[Symbol.asyncDispose]();
});

const ask = (query: string, of = `logs/${logId}/search`) => fetch(`${server.url}/api/v1/${of}?${query}`);

interface Found {
  readonly hits: number[];
  readonly texts: string[];
  /** Logs in which anything was found, as often as that was told. */
  readonly logs: number[];
  end: LogSearchPiece;
  refused: string;
}

/** Everything that a search sends, with the number of lines it had looked at. */
async function search(query: string, of?: string): Promise<Found> {
  const response = await ask(query, of);
  expect(response.status).toBe(200);
  const hits: number[] = [];
  const found: Found = { hits, texts: [], logs: [], end: { logId, hits: [], done: 0, isFull: false }, refused: '' };
  const parser = new SseParser();
  const decoder = new TextDecoder();
  for await (const bytes of response.body ?? []) {
    for (const { event, data } of parser.push(decoder.decode(bytes, { stream: true }))) {
      if (event === 'hits') hits.push(...JSON.parse(data).hits);
      if (event === 'hits' && JSON.parse(data).hits.length > 0) found.logs.push(JSON.parse(data).logId);
      if (event === 'hits') found.texts.push(...(JSON.parse(data).texts ?? []));
      if (event === 'end') found.end = JSON.parse(data);
      if (event === 'refused') found.refused = JSON.parse(data).message;
    }
    site.clock.advance(1);
  }
  return found;
}

describe('searching a log', () => {
  test('finds every line of a long one, in the part that is asked for', async () => {
    const line = 'x'.repeat(200);
    for (let from = 0; from < 20_000; from += 200)
      write(site, 2, 1, Array.from({ length: 200 }, (_, i) => `${from + i} ${line}\n`).join(''));
    const { hits, end } = await search('q=000+X');
    expect(hits).toEqual(Array.from({ length: 19 }, (_, i) => (i + 1) * 1000 + 2));
    expect(end).toMatchObject({ done: 20_002, isFull: false });
    expect((await search('q=000+x&first=18003')).hits).toEqual([19_002]);
    expect((await search(`q=${encodeURIComponent('^1\\d00 ')}&regex=1`)).hits).toHaveLength(10);
  });

  test('tells the lines that begin or end groups, and reads nothing of a long log but those', async () => {
    const line = 'x'.repeat(200);
    for (let from = 0; from < 20_000; from += 200)
      write(site, 2, 1, Array.from({ length: 200 }, (_, i) => `${from + i} ${line}\n`).join(''));
    write(site, 2, 1, '::group::Late\n--- a/file\n::endgroup::\n');
    const { hits, texts, end } = await search('first=0', `logs/${logId}/marks`);
    expect(hits).toEqual([20_002, 20_003, 20_004]);
    expect(texts).toEqual(['::group::Late', '--- a/file', '::endgroup::']);
    expect(end).toMatchObject({ done: 20_005, isFull: false });
    expect((await search('first=20003&limit=1', `logs/${logId}/marks`)).end.isFull).toBe(true);
  });

  test('ends at its limit, and says so', async () => {
    write(site, 2, 1, 'hit\nmiss\nhit\nhit\n');
    const { hits, end } = await search('q=hit&limit=2');
    expect(hits).toEqual([2, 4]);
    expect(end.isFull).toBe(true);
    expect(await search('q=MISS&text=1')).toMatchObject({ hits: [3], texts: ['miss'] });
    expect((await search('q=MISS')).texts).toEqual([]);
  });

  test('goes through all logs of a build, step by step, up to one limit', async () => {
    const early = write(site, 2, 0, 'a needle\n');
    write(site, 2, 1, 'another needle\nhay\n');
    const { hits, texts, logs, end } = await search('q=needle&text=1', 'builds/2/search');
    expect({ hits, texts, logs }).toEqual({
      hits: [0, 2],
      texts: ['a needle', 'another needle'],
      logs: [early, logId],
    });
    expect(end).toMatchObject({ logId, done: 4, isFull: false });
    expect(await search('q=needle&limit=1', 'builds/2/search')).toMatchObject({ hits: [0], end: { isFull: true } });
    expect((await ask('q=x', 'builds/999/search')).status).toBe(404);
  });

  test('refuses what is no expression, and stops one that takes for ever', async () => {
    expect(await (await ask('q=(&regex=1')).json()).toMatchObject({ error: { code: 'bad_search' } });
    expect((await ask('q=')).status).toBe(400);
    write(site, 2, 1, `${'a'.repeat(200)}!\n`);
    expect((await search(`q=${encodeURIComponent('(a+)+$')}&regex=1`)).refused).toMatch(/takes too long/);
    expect(site.complaints).toEqual([]);
  });
});
