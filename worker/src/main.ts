#!/usr/bin/env node
import { realClock } from './clock.ts';
import { Failure, messageOf } from './failure.ts';
import { createLogger, type Logger } from './logger.ts';
import { HELP, type Invocation, parseInvocation } from './options.ts';
import { type StartedAgent, startAgent } from './start.ts';
import { WORKER_VERSION } from './version.ts';

const EXIT = { ok: 0, failed: 1, usage: 2 } as const;

async function main(): Promise<number> {
  const invocation = readInvocation();
  if (invocation === null) return EXIT.usage;
  if (invocation.kind !== 'work') {
    process.stdout.write(invocation.kind === 'help' ? HELP : `icefall-worker ${WORKER_VERSION}\n`);
    return EXIT.ok;
  }
  const { options } = invocation;
  // Nothing that this process starts from here on needs it, nor a report of its crash.
  delete process.env.ICEFALL_WORKER_TOKEN;
  Reflect.set(process.report, 'excludeEnv', true);
  // Whoever read our log has gone: no reason to go as well.
  process.stderr.on('error', () => {});
  const logger = createLogger({
    json: options.jsonLog,
    now: realClock.now,
    write: (line) => process.stderr.write(line),
  });
  try {
    const started = await startAgent(options, process.env, logger);
    obeySignals(started, logger);
    dieWithReason(started, logger);
    logger.info('works', { name: options.name, master: options.master, directory: options.directory });
    await started.agent.work();
    // Nothing should be left; what could not be ended in time is killed.
    started.killEverything();
    await started.release();
    logger.info('has left');
    return EXIT.ok;
  } catch (error) {
    logger.error(error instanceof Failure ? error.message : `cannot start: ${messageOf(error)}`);
    return EXIT.failed;
  }
}

function readInvocation(): Invocation | null {
  try {
    return parseInvocation(process.argv.slice(2), process.env);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    process.stderr.write(`icefall-worker: ${error.message}\n`);
    return null;
  }
}

function obeySignals({ agent, killEverything }: StartedAgent, logger: Logger): void {
  let told = false;
  const shutDown = (signal: NodeJS.Signals) => {
    if (told) {
      logger.warn(`a second signal (${signal}): leaving at once`);
      killEverything();
      process.exit(EXIT.failed);
    }
    told = true;
    agent.shutDown(signal);
  };
  process.on('SIGTERM', shutDown);
  process.on('SIGINT', shutDown);
  process.on('SIGUSR1', () => agent.drain('SIGUSR1'));
}

/** After a mistake of ours nothing can be trusted: the journal is on disk, and the next agent takes it over. */
function dieWithReason({ killEverything }: StartedAgent, logger: Logger): void {
  const die = (error: unknown) => {
    logger.error(`a mistake in the worker: ${error instanceof Error ? error.stack : String(error)}`);
    killEverything();
    process.exit(EXIT.failed);
  };
  process.on('uncaughtException', die);
  process.on('unhandledRejection', die);
}

void main().then((code) => process.exit(code));
