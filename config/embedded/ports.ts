import { createServer } from 'node:net';
import { PORT_OPTIONS, type Ports, UsageError } from './options.ts';

const USES = {
  page: 'page and REST',
  workers: 'workers',
  stratum0: 'published repositories',
  rsync: "users' space",
} as const satisfies Record<keyof Ports, string>;

/** Throws {@link UsageError} that names every port that another program has, and what to do about it. */
export async function checkPorts(ports: Ports): Promise<void> {
  const taken: string[] = [];
  for (const name of ['page', 'workers', 'stratum0', 'rsync'] as const)
    if (!(await isFree(ports[name])))
      taken.push(
        `port ${ports[name]} (${USES[name]}) is in use by another program; choose another one: npm start -- ${PORT_OPTIONS[name]} N`,
      );
  if (taken.length > 0) throw new UsageError(taken.join('\n'));
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
