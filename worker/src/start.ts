import { join } from 'node:path';
import { Agent } from './agent.ts';
import { realClock, realRandom } from './clock.ts';
import { AGENT_DIRECTORY } from './commands/paths.ts';
import { connectionMark } from './connection-mark.ts';
import { passedEnvironment } from './environment.ts';
import { workerInfo } from './info.ts';
import { JournalStore } from './journal/store.ts';
import { dialMaster } from './link/dial.ts';
import { Tls } from './link/tls.ts';
import { lockDirectory } from './lock.ts';
import type { Logger } from './logger.ts';
import type { WorkerOptions } from './options.ts';
import { PipePool } from './processes/pipes.ts';
import { killEverything } from './recovery.ts';
import { SecretStore } from './secrets/secret-store.ts';
import type { Workshop } from './workshop.ts';

/** An agent that holds its directory. */
export interface StartedAgent {
  readonly agent: Agent;
  /** Kills what runs, now. */
  killEverything(): void;
  /** Gives the directory back. */
  release(): Promise<void>;
}

/** Takes the directory and makes an agent that works in it. Throws {@link Failure} where it cannot. */
export async function startAgent(
  options: WorkerOptions,
  env: Readonly<Record<string, string | undefined>>,
  logger: Logger,
): Promise<StartedAgent> {
  const own = join(options.directory, AGENT_DIRECTORY);
  const lock = await lockDirectory(join(own, 'agent.lock'));
  const { master: url, name: workerName, token } = options;
  const tls = new Tls(options.tls, logger);
  const workshop: Workshop = {
    clock: realClock,
    random: realRandom,
    logger,
    store: await JournalStore.open(join(own, 'journal')),
    pipes: await PipePool.open(join(own, 'pipes')),
    secrets: await SecretStore.open(join(own, 'secrets')),
    baseDirectory: options.directory,
    workerEnvironment: passedEnvironment(env),
    transfers: { baseUrl: url.replace(/^ws/, 'http'), workerName, token, tls },
    journalLimitBytes: options.journalLimitBytes,
  };
  const { longestDelayMs, once, lingerMs } = options;
  const info = await workerInfo(options.directory);
  const dial = dialMaster({ url, workerName, token, tls });
  const { set: onConnected } = connectionMark(join(own, 'connected'), logger);
  return {
    agent: new Agent({ workshop, info, dial, longestDelayMs, once, lingerMs, onConnected }),
    killEverything: () => killEverything(workshop.store.id),
    release: () => lock.release(),
  };
}
