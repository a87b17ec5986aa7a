import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { LOG_STREAMS, type LogLines, type Snapshot } from '@icefall/shared';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type HttpServer, startHttpServer } from './server.ts';
import { HEARTBEAT_MS } from './sse.ts';
import { addHistory, write } from './test-history.ts';
import { TestSite } from './test-site.ts';

/** One event of a stream, or a comment (`name` is empty). */
interface Told {
  readonly id: number | null;
  readonly name: string;
  readonly data: ReturnType<typeof JSON.parse>;
}

/** A client of a real socket that reads event by event. */
class Reader {
  readonly response: IncomingMessage;
  readonly #events: Told[] = [];
  #text = '';
  #wake = () => {};
  #isOver = false;

  constructor(response: IncomingMessage) {
    this.response = response;
    response.setEncoding('utf8');
    response.on('data', (text: string) => this.#take(text));
    response.on('close', () => {
      this.#isOver = true;
      this.#wake();
    });
    response.on('error', () => {});
  }

  #take(text: string): void {
    const blocks = (this.#text + text).split('\n\n');
    this.#text = blocks.pop() ?? '';
    this.#events.push(...blocks.map(parse));
    this.#wake();
  }

  /** The next event or comment; null when the stream is over. */
  async next(): Promise<Told | null> {
    for (;;) {
      const event = this.#events.shift();
      if (event !== undefined) return event;
      if (this.#isOver) return null;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
    }
  }
}

function parse(block: string): Told {
  if (block.startsWith(':')) return { id: null, name: '', data: block.slice(2) };
  const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1];
  const id = field('id');
  return {
    id: id === undefined ? null : Number(id),
    name: field('event') ?? '',
    data: JSON.parse(field('data') ?? 'null'),
  };
}

let site: TestSite;
let server: HttpServer;
let history: ReturnType<typeof addHistory>;
beforeEach(async () => {
  site = new TestSite();
  history = addHistory(site);
  server = await startHttpServer(site.port, { port: 0, pageDirectory: '/nonexistent' });
});
afterEach(async () => {
  await server.close();
  await site[Symbol.asyncDispose]();
});

/** Opens a stream, and waits for its first comment: the server has taken it. */
async function open(path: string, headers: Record<string, string> = {}): Promise<Reader> {
  const request = get(`${server.url}/api/v1${path}`, { headers });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const reader = new Reader(response);
  expect(response.statusCode).toBe(200);
  expect((await reader.next())?.data).toBe('open');
  return reader;
}

const touch = (id: number) => {
  site.core.turn(() => site.core.touch('build', id));
  site.settle();
};

describe('the event stream', () => {
  test('tells of what changes, with the headers of a stream', async () => {
    const reader = await open('/events');
    expect(reader.response.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    });
    expect(reader.response.headers['content-security-policy']).toContain("default-src 'self'");
    touch(2);
    const { seq } = site.core;
    expect(await reader.next()).toMatchObject({ id: seq, name: 'build', data: { seq, kind: 'build', key: '2' } });
  });

  test('goes on after the last event seen, by address or by header', async () => {
    const { seq } = site.core;
    touch(1);
    touch(2);
    const byAddress = await open(`/events?after=${seq}`);
    expect([await byAddress.next(), await byAddress.next()]).toMatchObject([{ id: seq + 1 }, { id: seq + 2 }]);
    const byHeader = await open('/events?after=0', { 'last-event-id': String(seq + 1) });
    expect(await byHeader.next()).toMatchObject({ id: seq + 2, data: { key: '2' } });
  });

  test('ends with a reset for a past that is not at hand', async () => {
    for (const reader of [
      await open(`/events?after=${site.core.seq + 100}`),
      await open('/events', { 'last-event-id': 'of another server' }),
    ]) {
      expect(await reader.next()).toMatchObject({ name: 'reset', data: { seq: site.core.seq } });
      expect(await reader.next()).toBeNull();
    }
  });

  test('goes on from a snapshot without a gap', async () => {
    const snapshot = (await (await fetch(`${server.url}/api/v1/snapshot`)).json()) as Snapshot;
    touch(1);
    const reader = await open(`/events?after=${snapshot.seq}`);
    expect(await reader.next()).toMatchObject({ data: { seq: snapshot.seq + 1, key: '1' } });
  });

  test('says that it is alive when nothing happens', async () => {
    const reader = await open('/events');
    for (let i = 0; i < 3; i += 1) {
      site.clock.advance(HEARTBEAT_MS);
      expect(await reader.next()).toMatchObject({ name: '', data: 'alive' });
    }
  });

  test('refuses what is no number', async () => {
    expect((await fetch(`${server.url}/api/v1/events?after=x`)).status).toBe(400);
  });

  test('ends at once when the server closes', async () => {
    const readers = [await open('/events'), await open(`/logs/${history.growingLog}/follow?first=2`)];
    await server.close();
    for (const reader of readers) expect(await reader.next()).toBeNull();
  });
});

describe('following a log', () => {
  const texts = (told: Told | null) => (told?.data as LogLines | undefined)?.lines.map((line) => line.text);

  test('gives the lines that are there, those that come, and the end', async () => {
    const reader = await open(`/logs/${history.growingLog}/follow`);
    const first = await reader.next();
    expect(first).toMatchObject({ id: 2, name: 'lines', data: { first: 0, total: 2, complete: false } });
    expect(texts(first)).toEqual(['one', 'two']);
    write(site, 2, 1, 'three\nfo');
    site.settle();
    expect(texts(await reader.next())).toEqual(['three']);
    write(site, 2, 1, 'ur\n');
    write(site, 2, 1, 'five');
    site.core.turn(() => site.logs.finish(2, 1));
    site.settle();
    const last = await reader.next();
    expect(texts(last)).toEqual(['four', 'five']);
    expect(last?.data).toMatchObject({ first: 3, total: 5, complete: true });
    expect(last?.data.lines[0].stream).toBe(LOG_STREAMS[1]);
    expect(await reader.next()).toMatchObject({ name: 'end', data: { total: 5 } });
    expect(await reader.next()).toBeNull();
  });

  test('begins where it is asked to, and goes on where it was cut', async () => {
    expect(texts(await (await open(`/logs/${history.growingLog}/follow?first=1`)).next())).toEqual(['two']);
    expect(texts(await (await open(`/logs/${history.growingLog}/follow?first=-1`)).next())).toEqual(['two']);
    const again = await open(`/logs/${history.growingLog}/follow?first=0`, { 'last-event-id': '1' });
    expect(texts(await again.next())).toEqual(['two']);
  });

  test('of a finished log gives it and ends', async () => {
    const reader = await open(`/logs/${history.finishedLog}/follow`);
    expect(texts(await reader.next())).toEqual(['cloning', 'done']);
    expect(await reader.next()).toMatchObject({ name: 'end' });
    expect(await reader.next()).toBeNull();
  });

  test('of a long log gives every line once and in order, as fast as it is read', async () => {
    const line = 'x'.repeat(200);
    const count = 20_000;
    for (let from = 0; from < count; from += 200)
      write(site, 2, 1, Array.from({ length: 200 }, (_, i) => `${from + i} ${line}\n`).join(''));
    site.core.turn(() => site.logs.finish(2, 1));
    const reader = await open(`/logs/${history.growingLog}/follow?first=2`);
    const numbers: number[] = [];
    for (let told = await reader.next(); told !== null && told.name !== 'end'; told = await reader.next()) {
      numbers.push(...(told.data as LogLines).lines.map(({ n, text }) => (text === `${n - 2} ${line}` ? n : -1)));
      site.clock.advance(1);
    }
    expect(numbers).toEqual(Array.from({ length: count }, (_, i) => i + 2));
  });

  test('is no trouble to anybody when the client goes', async () => {
    const reader = await open(`/logs/${history.growingLog}/follow`);
    const other = await open(`/logs/${history.growingLog}/follow`);
    await reader.next();
    await other.next();
    reader.response.destroy();
    await once(reader.response, 'close');
    write(site, 2, 1, 'three\n');
    site.settle();
    expect(texts(await other.next())).toEqual(['three']);
    expect(site.complaints).toEqual([]);
  });
});
