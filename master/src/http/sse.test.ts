import { once } from 'node:events';
import { get, IncomingMessage, ServerResponse } from 'node:http';
import { type AddressInfo, Socket } from 'node:net';
import { expect, test } from 'vitest';
import { VirtualClock } from '../engine/virtual-clock.ts';
import { HttpProblem } from './errors.ts';
import { buildServer } from './server.ts';
import { MOST_STREAMS, MOST_STREAMS_OF_ADDRESS, SseStreams } from './sse.ts';
import { addHistory } from './test-history.ts';
import { TestSite } from './test-site.ts';

function openOf(streams: SseStreams, address: string): ServerResponse {
  const raw = new ServerResponse(new IncomingMessage(new Socket()));
  streams.open(
    { raw, hijack: () => raw, getHeaders: () => ({}) },
    address,
    () => {},
    () => true,
  );
  return raw;
}

test('more streams than the bound are refused, until one is over, and more than half of them to one address', () => {
  const streams = new SseStreams(new VirtualClock());
  const open = () => openOf(streams, '127.0.0.1');
  const first = open();
  for (let i = 1; i < MOST_STREAMS; i += 1) open();
  expect(open).toThrow(HttpProblem);
  expect(streams.size).toBe(MOST_STREAMS);
  first.emit('close');
  expect(open).not.toThrow();
  streams.close();

  const others = new SseStreams(new VirtualClock());
  for (let i = 0; i < MOST_STREAMS_OF_ADDRESS; i += 1) openOf(others, '192.0.2.1');
  expect(() => openOf(others, '192.0.2.1')).toThrow(HttpProblem);
  expect(() => openOf(others, '192.0.2.2')).not.toThrow();
});

test('a client that takes nothing is told to take a snapshot, then cut off, and the memory is free again', async () => {
  await using site = new TestSite();
  addHistory(site);
  const { app, door } = await buildServer(site.port, { host: '127.0.0.1', pageDirectory: '/nonexistent' });
  const connected = once(app.server, 'connection');
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  const request = get({ port, host: '127.0.0.1', path: '/api/v1/events' }).on('error', () => {});
  await once(request, 'response');
  const [socket] = (await connected) as [Socket];

  const large = JSON.stringify({ variant: { value: 'x'.repeat(1024 * 1024), source: 'test' } });
  site.core.turn(() => site.core.db.update('builds', { id: 1 }, { properties: large }));
  for (let i = 0; i < 100 && door.stream.clients > 0; i += 1) {
    site.core.turn(() => site.core.touch('build', 1));
    site.settle();
  }
  expect(door.stream.clients).toBe(0);
  expect(socket.destroyed).toBe(false);

  const closed = once(socket, 'close');
  site.clock.advance(5000);
  await closed;
  expect(door.sse.size).toBe(0);
  request.destroy();
  await app.close();
});
