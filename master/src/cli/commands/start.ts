import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { isOfSiteAlone } from '../../config/load-failure.ts';
import type { Logger } from '../../engine/ports.ts';
import { type CommandContext, wholeNumber } from '../context.ts';
import { CliError, EXIT, type ExitCode, usageError } from '../exit.ts';
import { problemLines } from '../output/problem-lines.ts';
import { counted } from '../output/text.ts';
import type { Serving } from '../process/serve.ts';
import type { Terminal } from '../terminal.ts';
import { STATE_FOLDER } from './state-folder.ts';

const MIB = 1024 * 1024;

interface Options {
  readonly config?: string;
  readonly host: string;
  readonly port: number;
  readonly workerHost: string;
  readonly workerPort: number;
  readonly jsonLog?: boolean;
  readonly minFree?: number;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly workerCa?: string;
}

export function addStart(program: Command, context: CommandContext): void {
  program
    .command('start')
    .argument('<dir>', `the master keeps its state in DIR/${STATE_FOLDER}`)
    .option('--config <file>', "the site's program, or its folder (default: DIR/site.ts)")
    .option('--host <address>', 'where page and API listen', '127.0.0.1')
    .option('--port <n>', 'port of page and API', wholeNumber('--port', 0, 65_535), 8010)
    .option('--worker-host <address>', 'where workers are let in', '127.0.0.1')
    .option('--worker-port <n>', 'port for workers', wholeNumber('--worker-port', 0, 65_535), 9989)
    .option('--tls-cert <file>', 'certificate of page and workers, with those that lead to its authority (PEM)')
    .option('--tls-key <file>', 'its key; all of these are read again when they are renewed')
    .option('--worker-ca <file>', 'authority of certificates that workers must show besides their token (PEM)')
    .option(
      '--min-free <MiB>',
      'raise an alarm when less is free on its disk (default: 1024, on small disks a twentieth)',
      wholeNumber('--min-free', 0, 2 ** 30),
    )
    .option('--json-log', 'log as JSON, a line each')
    .description(
      'run the master here until it is stopped (Ctrl-C, TERM); HUP loads the configuration again, USR2 drains it',
    )
    .action((dir: string, options: Options) => start(context, dir, options));
}

async function start(context: CommandContext, dir: string, options: Options): Promise<void> {
  const { terminal } = context;
  const folder = resolve(terminal.cwd, dir);
  const [{ serve }, { createLogger }] = await Promise.all([
    import('../process/serve.ts'),
    import('../process/logger.ts'),
  ]);
  const json = options.jsonLog === true;
  const log = createLogger({ json, write: terminal.err, colour: terminal.colour });
  dieWithReason(log);
  // Heard from the beginning: a signal that comes while it starts ends it as soon as it has.
  const drained = Promise.withResolvers<string>();
  const end = Promise.race([endSignal(terminal.signal), drained.promise]);
  let master: Serving | null = null;
  // While it starts it reads the configuration anyway.
  process.on('SIGHUP', () => void master?.reload());
  process.on('SIGUSR2', () => void drainFully());
  const drainFully = async () => {
    if ((await master?.drain()) === true) drained.resolve('drained');
  };
  const config = options.config === undefined ? folder : resolve(terminal.cwd, options.config);
  const { host, port, workerHost, workerPort } = options;
  const ports = { host, port, workerHost, workerPort };
  const certificate = certificateFiles(terminal, options);
  const leastFreeBytes = options.minFree === undefined ? null : options.minFree * MIB;
  const serving = await serve({
    directory: join(folder, STATE_FOLDER),
    config,
    ...ports,
    leastFreeBytes,
    certificate,
    log,
  }).catch((error: unknown) => {
    throw explained(context, error);
  });
  master = serving;
  const { url, workerPort: takenPort } = serving;
  if (json) log.info({ url, workerPort: takenPort, pid: process.pid }, 'runs');
  else announce(terminal, dir, serving, workerHost);
  const signal = await end;
  log.info({ signal }, signal === 'drained' ? 'no build runs any more: stops' : 'stops; what runs on workers goes on');
  master = null;
  await serving.close();
  log.info({}, 'has stopped');
}

function certificateFiles(terminal: Terminal, { tlsCert, tlsKey, workerCa }: Options) {
  if (tlsCert === undefined && tlsKey === undefined) {
    if (workerCa === undefined) return null;
    throw usageError('--worker-ca needs TLS: give --tls-cert and --tls-key, too');
  }
  if (tlsCert === undefined || tlsKey === undefined)
    throw usageError('--tls-cert and --tls-key belong together: a certificate, and its key');
  const pair = { certificate: resolve(terminal.cwd, tlsCert), key: resolve(terminal.cwd, tlsKey) };
  return workerCa === undefined ? pair : { ...pair, workerAuthority: resolve(terminal.cwd, workerCa) };
}

function announce(terminal: Terminal, dir: string, { url, workerPort }: Serving, workerHost: string): void {
  const workers = `workers: ${url.startsWith('https:') ? 'wss' : 'ws'}://${workerHost}:${workerPort}`;
  terminal.out(`Icefall runs: ${url}  (${workers}; to stop it: icefall stop ${dir})\n`);
}

function endSignal(interrupted: AbortSignal): Promise<string> {
  return new Promise((resolve) => {
    process.on('SIGTERM', () => resolve('SIGTERM'));
    if (interrupted.aborted) resolve('SIGINT');
    interrupted.addEventListener('abort', () => resolve('SIGINT'));
  });
}

/** After a mistake of ours nothing in memory can be trusted; everything that counts is on disk. */
function dieWithReason(log: Logger): void {
  const die = (error: unknown) => {
    if (isOfSiteAlone(error)) {
      log.error({ err: error }, "the site's program failed in a timer or promise of its own, beside the master");
      return;
    }
    log.error({ err: error }, 'a mistake in the master: it ends; nothing of its state is lost');
    process.exit(EXIT.failed);
  };
  process.on('uncaughtException', die);
  process.on('unhandledRejection', die);
}

/** Errors whose message says what to do, with what the shell is told. */
const EXPECTED: Readonly<Record<string, ExitCode>> = {
  AlreadyRunning: EXIT.failed,
  CertificateError: EXIT.usage,
  DatabaseError: EXIT.storage,
  StorageError: EXIT.storage,
};

function explained(context: CommandContext, error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  if (isConfigError(error)) {
    const lines = problemLines(context, error);
    return new CliError(EXIT.failed, `the configuration has ${counted(lines.length, 'mistake')}\n${lines.join('\n')}`);
  }
  const code = EXPECTED[error.name];
  return code === undefined ? error : new CliError(code, error.message, { cause: error });
}

function isConfigError(error: Error): error is import('../../config/problems.ts').ConfigError {
  return error.name === 'ConfigError';
}
