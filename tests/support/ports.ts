import { createServer, type Server } from 'node:net';

/** Ports on loopback that nobody has now: for programs that must be told a port before they start. */
export async function freePorts(count: number): Promise<number[]> {
  // All held together, so that they differ.
  const servers = await Promise.all(Array.from({ length: count }, () => listen(0)));
  const ports = servers.map(portOf);
  await Promise.all(servers.map(close));
  return ports;
}

/** Listens on loopback; port 0 takes a free one. */
export function listen(port: number, server: Server = createServer()): Promise<Server> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      resolve(server);
    });
  });
}

export function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server does not listen on a port');
  return address.port;
}

export function close(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
