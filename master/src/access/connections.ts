import type { Server, Socket } from 'node:net';
import type { AccessDeclaration } from '../config/access.ts';
import { Shares } from '../engine/shares.ts';
import { isLoopback } from './loopback.ts';
import { networkOf } from './network.ts';
import { isProxy } from './proxies.ts';

/**
 * Lets a server have so many sockets at once, half of them of one address: whoever opens as many as they can does not
 * keep others out. Programs of this machine and proxies that the site believes may have all, for those behind them.
 */
export function limitConnections(server: Server, most: number, access: () => AccessDeclaration | null): void {
  server.maxConnections = most;
  const shares = new Shares({ most, mostOfOne: Math.ceil(most / 2) });
  server.on('connection', (socket: Socket) => {
    const address = socket.remoteAddress ?? null;
    const isForOthers = address !== null && (isLoopback(address) || isProxy(access(), address));
    const giveBack = shares.take(isForOthers || address === null ? null : networkOf(address));
    if (giveBack === null) socket.destroy();
    else socket.once('close', giveBack);
  });
}
