import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Home, PROGRAMS } from './home.ts';
import type { Ports } from './options.ts';
import type { Service } from './processes.ts';

const NODE = process.execPath;

/** The master, with this project's site. */
export function masterService(home: Home, ports: Ports): Service {
  return {
    name: 'master',
    command: [
      NODE,
      PROGRAMS.master,
      'start',
      home.master,
      '--config',
      PROGRAMS.site,
      '--port',
      String(ports.page),
      '--worker-port',
      String(ports.workers),
    ],
    env: { ICEFALL_SETTINGS: home.settings },
  };
}

/** A worker for each platform and one for the stratum 0. */
export function workerServices(home: Home, ports: Ports, workers: readonly string[]): Service[] {
  return workers.map((name) => ({
    name: `worker-${name}`,
    command: [NODE, PROGRAMS.worker, '--dir', home.worker(name)],
    env: {
      ICEFALL_MASTER: `ws://127.0.0.1:${ports.workers}`,
      ICEFALL_WORKER_NAME: name,
      ICEFALL_WORKER_TOKEN: readFileSync(join(home.tokens, `${name}.token`), 'utf8').trim(),
    },
  }));
}

/** The HTTP server of the published repositories, and the rsync daemon of the users' space. */
export function sideServices(home: Home, ports: Ports, rsyncConfiguration: string): Service[] {
  return [
    {
      name: 'stratum0-http',
      command: [NODE, PROGRAMS.stratum0, 'serve', '--dir', home.stratum0, '--port', String(ports.stratum0)],
    },
    { name: 'rsyncd', command: ['rsync', '--daemon', '--no-detach', `--config=${rsyncConfiguration}`] },
  ];
}
