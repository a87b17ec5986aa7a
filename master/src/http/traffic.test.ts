import { connect, type Socket } from 'node:net';
import { type FastifyInstance, fastify } from 'fastify';
import { describe, expect, onTestFinished, test } from 'vitest';
import { VirtualClock } from '../engine/virtual-clock.ts';
import { answerOfError } from './errors.ts';
import { startHttpServer } from './server.ts';
import { TestSite } from './test-site.ts';
import { limitTraffic } from './traffic.ts';

/** A server that takes three requests of an address, two of which may change something. */
function fixture() {
  const clock = new VirtualClock(0);
  const app = fastify();
  onTestFinished(() => app.close());
  limitTraffic(app, clock, { requests: 3, changing: 2, bodies: { most: 100, mostOfOne: 60 } });
  app.setErrorHandler((error, _request, reply) => {
    const { status, body } = answerOfError(error);
    return reply.code(status).send(body);
  });
  app.all('/', () => 'fine');
  const bodies = heldBodies(app);
  const ask = async (remoteAddress: string, method: 'GET' | 'POST' = 'GET') =>
    await app.inject({ method, url: '/', remoteAddress });
  const statuses = async (count: number, remoteAddress: string, method?: 'GET' | 'POST') => {
    const all: number[] = [];
    for (let i = 0; i < count; i += 1) all.push((await ask(remoteAddress, method)).statusCode);
    return all;
  };
  return { app, clock, ask, statuses, received: bodies };
}

/** A route that keeps what it was sent until it may go on. */
function heldBodies(app: FastifyInstance) {
  const going = Promise.withResolvers<string>();
  const arrived: (() => void)[] = [];
  let count = 0;
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  app.post('/body', () => {
    count += 1;
    for (const tell of arrived) tell();
    return going.promise;
  });
  /** Resolves when so many are there. */
  const received = (many: number) =>
    new Promise<void>((resolve) => {
      const tell = () => count >= many && resolve();
      arrived.push(tell);
      tell();
    });
  return Object.assign(received, { goOn: () => going.resolve('fine') });
}

describe('an address that asks for too much', () => {
  test('is told to wait; another one is not, nor a program on this machine', async () => {
    const { ask, statuses } = fixture();
    expect(await statuses(4, '192.0.2.1')).toEqual([200, 200, 200, 429]);
    const refused = await ask('192.0.2.1');
    expect([refused.json().error.code, refused.headers['retry-after']]).toEqual(['too_many_requests', '10']);
    expect(await statuses(3, '192.0.2.2')).toEqual([200, 200, 200]);
    expect(await statuses(5, '127.0.0.1', 'POST')).toEqual([200, 200, 200, 200, 200]);
    expect(await statuses(3, '2001:db8::1')).toEqual([200, 200, 200]);
    expect(await statuses(1, '2001:db8::2')).toEqual([429]);
  });

  test('is told so sooner where it changes something', async () => {
    const { statuses } = fixture();
    expect(await statuses(3, '192.0.2.1', 'POST')).toEqual([200, 200, 429]);
    expect(await statuses(1, '192.0.2.1')).toEqual([200]);
  });

  test('is told so where it sends more at once than others leave memory for', async () => {
    const { app, received } = fixture();
    const send = (remoteAddress: string, length: number) =>
      app.inject({ method: 'POST', url: '/body', remoteAddress, payload: Buffer.alloc(length) });
    const first = send('192.0.2.1', 40);
    await received(1);
    expect((await send('192.0.2.1', 40)).json().error.code).toBe('too_many_requests');
    const others = [send('192.0.2.2', 40), send('127.0.0.1', 20)];
    await received(3);
    expect((await send('192.0.2.3', 1)).statusCode).toBe(429);
    received.goOn();
    expect((await Promise.all([first, ...others])).map(({ statusCode }) => statusCode)).toEqual([200, 200, 200]);
    expect((await send('192.0.2.4', 60)).statusCode).toBe(200);
  });

  test('may go on after ten seconds', async () => {
    const { clock, statuses } = fixture();
    await statuses(3, '192.0.2.1');
    clock.advance(9999);
    expect(await statuses(1, '192.0.2.1')).toEqual([429]);
    clock.advance(1);
    expect(await statuses(1, '192.0.2.1')).toEqual([200]);
  });
});

/** What slow clients send and then say no more: a head by halves, a body by halves, a request whose answer they never read. */
const SLOW = {
  head: 'GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\nX-A: ',
  body: 'POST /hooks/gitea HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n{"ref":',
  answer: 'GET /api/v1/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(2),
  stream: 'GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n',
};

test.each(Object.entries(SLOW))(
  'clients that are slow with their %s do not keep others from being served',
  async (_what, said) => {
    await using site = new TestSite();
    const server = await startHttpServer(site.port, { port: 0, pageDirectory: '/nonexistent' });
    const slow = Array.from({ length: 200 }, () => openSlowly(server.port, said));
    onTestFinished(async () => {
      for (const socket of slow) socket.destroy();
      await server.close();
    });
    await Promise.all(slow.map((socket) => new Promise((resolve) => socket.once('connect', resolve))));
    for (let i = 0; i < 20; i += 1) expect((await fetch(`${server.url}/api/v1/health`)).status).toBe(200);
  },
);

test('clients that take nothing of an answer are let go after two to four minutes', () => {
  expect(fixture().app.server.timeout).toBe(120_000);
});

/** Says something, and neither goes on nor reads. */
function openSlowly(port: number, said: string): Socket {
  const socket = connect(port, '127.0.0.1');
  socket.pause();
  socket.on('error', () => {});
  socket.on('connect', () => socket.write(said));
  return socket;
}
