import { once } from 'node:events';
import { connect, createServer, Server, Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { site } from '../config/site-program.ts';
import { limitConnections } from './connections.ts';

/** A socket of an address, as a server is given it. */
function arriving(server: Server, address: string): Socket {
  const socket = new Socket();
  Object.defineProperty(socket, 'remoteAddress', { value: address });
  server.emit('connection', socket);
  return socket;
}

const roles = { reader: { allow: ['view' as const], members: 'everyone' as const } };
const { access } = site({ title: 't', workers: [], builders: [], access: { roles, proxies: ['10.0.0.1'] } });

test('one address has half of the connections at most, and others when it lets some go', async () => {
  const server = new Server();
  limitConnections(server, 4, () => access);
  const [first] = [arriving(server, '192.0.2.1'), arriving(server, '192.0.2.1')];
  expect(arriving(server, '192.0.2.1').destroyed).toBe(true);
  expect(arriving(server, '192.0.2.2').destroyed).toBe(false);
  const closed = once(first, 'close');
  first.destroy();
  await closed;
  expect(arriving(server, '192.0.2.1').destroyed).toBe(false);
});

test('programs of this machine and a proxy that the site names may have all of them', () => {
  for (const address of ['127.0.0.1', '10.0.0.1']) {
    const server = new Server();
    limitConnections(server, 4, () => access);
    const sockets = Array.from({ length: 4 }, () => arriving(server, address));
    expect(sockets.some(({ destroyed }) => destroyed)).toBe(false);
  }
});

test('a server closes what is beyond its limit', async () => {
  const server = createServer();
  limitConnections(server, 1, () => null);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  const [kept, beyond] = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')];
  onTestFinished(() => {
    kept.destroy();
    server.close();
  });
  await once(beyond.resume(), 'close');
  expect(kept.destroyed).toBe(false);
});
