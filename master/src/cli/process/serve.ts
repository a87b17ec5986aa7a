import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { Certificate, type CertificateFiles } from '../../access/certificate.ts';
import { isLoopback } from '../../access/loopback.ts';
import { loadSite, siteFile } from '../../config/loader.ts';
import { ConfigError, formatProblem } from '../../config/problems.ts';
import type { SiteDeclaration } from '../../config/site.ts';
import type { Logger } from '../../engine/ports.ts';
import { realClock, realRandom } from '../../engine/real.ts';
import { startHttpServer } from '../../http/server.ts';
import { Master } from '../../master.ts';
import { network } from '../../reporters/network.ts';
import { describeFault, storageFault } from '../../storage/faults.ts';
import { freeSpaceOf } from '../../storage/free-space.ts';
import { makePrivate, privately } from '../../storage/privacy.ts';
import { startWorkerServer } from '../../workers/server.ts';
import { CliError, EXIT } from '../exit.ts';
import { InstanceLock } from './instance-lock.ts';
import { OperatorToken } from './operator-token.ts';

/** The built page. */
const PAGE = fileURLToPath(new URL('../../../web/dist', import.meta.url));

export interface ServeOptions {
  /** Where the master keeps its state. */
  readonly directory: string;
  /** The site's program, or its folder. */
  readonly config: string;
  readonly host: string;
  readonly port: number;
  readonly workerHost: string;
  readonly workerPort: number;
  /** TLS for page and workers; null: none. */
  readonly certificate: CertificateFiles | null;
  /** An alarm is raised when less is free on the disk; null: the usual limit. */
  readonly leastFreeBytes: number | null;
  readonly log: Logger;
}

/** A running master with its doors. */
export interface Serving {
  readonly url: string;
  readonly workerPort: number;
  /** Loads the configuration again; a mistake is logged, and the older one runs on. */
  reload(): Promise<void>;
  /** Starts no new builds any more; resolves when none runs: with false where somebody has called it off. */
  drain(): Promise<boolean>;
  /** Ends the master; what runs on workers goes on. */
  close(): Promise<void>;
}

/** Starts a master. Throws ConfigError, AlreadyRunning, DatabaseError, and a CliError for a port that is taken. */
export async function serve(options: ServeOptions): Promise<Serving> {
  const { directory, log, host, port, workerHost, workerPort } = options;
  const file = siteFile(options.config);
  const site = await loadSite(file, { alone: { fd: 2, form: 'text' } });
  refuseOpenDoor(site, host);
  const certificate = options.certificate === null ? undefined : new Certificate(options.certificate, log);
  // Before anything is touched: the database, and the workers that may be connected to another master.
  await checkPort('--port', host, port);
  await checkPort('--worker-port', workerHost, workerPort);
  const undo: (() => unknown)[] = [];
  try {
    makePrivate(directory, log);
    const lock = InstanceLock.acquire(directory, process.pid);
    undo.push(() => lock.release());
    const master = privately(() =>
      Master.open({
        ...{ directory, site, siteFile: file, clock: realClock, random: realRandom, log },
        transport: network,
        health: { freeSpace: () => freeSpaceOf(directory), leastFreeBytes: options.leastFreeBytes },
      }),
    );
    undo.push(() => master.close());
    const workers = await startWorkerServer(master.workers, { host: workerHost, port: workerPort, certificate });
    undo.push(() => workers.close());
    // The workers are told before their port closes, or they are taken for absent.
    undo.push(() => master.workers.stop());
    const operatorToken = OperatorToken.write(directory);
    undo.push(() => operatorToken.remove());
    const page = { host, port, pageDirectory: PAGE, operatorToken: operatorToken.text, certificate };
    const http = await startHttpServer(master, page);
    undo.push(() => http.close());
    certificate?.watch(realClock);
    undo.push(() => certificate?.stop());
    if (certificate === undefined) warnOfPlainText(host, log);
    return {
      url: http.url,
      workerPort: workers.port,
      reload: () => reload(master, log),
      drain: () => drain(master, log),
      close: () => unwind(undo),
    };
  } catch (error) {
    await unwind(undo);
    const fault = storageFault(error);
    if (fault !== null) throw new CliError(EXIT.storage, describeFault(fault, directory), { cause: error });
    if (isPortError(error)) throw new CliError(EXIT.usage, error.message, { cause: error });
    throw error;
  }
}

/** Undoes in the opposite order; each of it, whatever fails. Throws the first failure. */
async function unwind(undo: readonly (() => unknown)[]): Promise<void> {
  const failures: unknown[] = [];
  for (const step of undo.toReversed()) {
    try {
      await step();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}

function isPortError(error: unknown): error is Error {
  const code = error instanceof Error ? Reflect.get(error, 'code') : undefined;
  return code === 'listen' || code === 'worker_port';
}

async function checkPort(option: string, host: string, port: number): Promise<void> {
  if (port === 0) return;
  const server = createServer();
  const failure = await new Promise<NodeJS.ErrnoException | null>((resolve) => {
    server.once('error', resolve);
    server.listen(port, host, () => server.close(() => resolve(null)));
  });
  if (failure === null) return;
  const why =
    failure.code === 'EADDRINUSE'
      ? `port ${port} on ${host} is taken by another program; end that, or choose another port with ${option}`
      : `cannot listen on ${host}, port ${port} (${option}): ${failure.message}`;
  throw new CliError(EXIT.usage, why, { cause: failure });
}

/** Whoever reaches a master whose site does not say who may do what may do everything: so nobody elsewhere reaches it. */
function refuseOpenDoor(site: SiteDeclaration, host: string): void {
  if (isLoopback(host) || site.access !== null) return;
  throw new CliError(
    EXIT.usage,
    `the page and the API are to listen on ${host}, beyond this machine, but the site does not say who may do what. ` +
      'Declare it with access in site({ access: { roles: … } }), see docs/security.md; or leave --host out, and reach ' +
      'the page from elsewhere by: ssh -L 8010:127.0.0.1:8010 HOST',
  );
}

function warnOfPlainText(host: string, log: Logger): void {
  if (isLoopback(host)) return;
  log.warn({ host }, 'the page and the API listen beyond this machine without TLS: passwords and tokens can be read');
}

async function drain(master: Master, log: Logger): Promise<boolean> {
  try {
    master.setDraining(true);
  } catch (error) {
    log.error({ err: error }, 'the master does not drain: that could not be put on record');
    return false;
  }
  log.info({}, 'drains: no new builds are started, and it stops when those that run have ended');
  await master.idle(new AbortController().signal);
  return master.drainingSince !== null;
}

async function reload(master: Master, log: Logger): Promise<void> {
  try {
    const { configVersion } = await master.reload();
    log.info({ configVersion }, 'the configuration was loaded again');
  } catch (error) {
    if (!(error instanceof ConfigError)) log.error({ err: error }, 'the configuration could not be loaded again');
    else
      for (const problem of error.problems) log.error({}, `the older configuration runs on: ${formatProblem(problem)}`);
  }
}
