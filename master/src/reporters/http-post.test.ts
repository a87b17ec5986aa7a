import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { network } from './network.ts';
import { HttpSink } from './testing/http-sink.ts';
import type { Post } from './transport.ts';

let sink: HttpSink;
beforeEach(async () => {
  sink = await HttpSink.start();
});
afterEach(() => sink.close());

const postTo = (path = '/x?key=hidden'): Post => ({
  ...{ via: 'http', url: `${sink.url}${path}`, headers: { 'x-a': 'b' }, body: '{"c":1}', toldBefore: 'was told' },
});
const send = (post = postTo(), signal = new AbortController().signal) => network.deliver(post, signal);

describe('a request', () => {
  test('arrives as it is', async () => {
    expect(await send()).toBeNull();
    expect(sink.requests).toMatchObject([
      { method: 'POST', path: '/x?key=hidden', body: '{"c":1}', headers: { 'x-a': 'b' } },
    ]);
  });

  test.each([
    ['refused', 302],
    ['refused', 307],
    ['refused', 400],
    ['refused', 404],
    ['refused', 422],
    ['down', 401],
    ['refused', 403],
    ['failed', 429],
    ['failed', 500],
    ['failed', 503],
  ])('is %s where the answer is %i; it is sent to no other place', async (code, status) => {
    sink.respond = (response) => response.writeHead(status, { location: '/elsewhere' }).end('because');
    await expect(send()).rejects.toMatchObject({ code, message: `${sink.url}/x answered ${status}: because` });
    expect(sink.requests.map(({ path }) => path)).toEqual(['/x?key=hidden']);
  });

  test('may be sent again later where there were too many, as GitHub says it', async () => {
    for (const headers of [{ 'retry-after': '60' }, { 'x-ratelimit-remaining': '0' }]) {
      sink.respond = (response) => response.writeHead(403, headers).end();
      await expect(send()).rejects.toMatchObject({ code: 'failed' });
    }
  });

  test('that the server was told before has arrived', async () => {
    sink.respond = (response) => response.writeHead(400).end('{"message":"was told"}');
    expect(await send()).toBeNull();
  });

  test('is down where nobody answers, and says where', async () => {
    const post = postTo();
    await sink.close();
    await expect(send(post)).rejects.toMatchObject({
      code: 'down',
      message: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/x does not answer: .*ECONNREFUSED/),
    });
    sink = await HttpSink.start();
  });

  test('is not drowned by an answer without an end', async () => {
    sink.respond = (response) => {
      response.writeHead(500);
      const more = () => {
        while (response.write('x'.repeat(10_000)));
        response.once('drain', more);
      };
      more();
    };
    const error: unknown = await send().catch((caught: unknown) => caught);
    expect(String(error).length).toBeLessThan(5000);
  });

  test('is let go when it is broken off', async () => {
    sink.respond = () => {};
    const end = new AbortController();
    const sent = send(postTo(), end.signal);
    await expect.poll(() => sink.requests.length).toBe(1);
    end.abort();
    await expect(sent).rejects.toMatchObject({ code: 'down' });
  });
});
