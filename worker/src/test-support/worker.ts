import { onTestFinished } from 'vitest';
import type { WorkerOptions } from '../options.ts';
import { startAgent } from '../start.ts';
import { temporaryDirectory } from './directories.ts';
import type { FakeMaster } from './fake-master.ts';
import { KeptLog } from './kept-log.ts';

interface TestWorker {
  readonly directory: string;
  readonly log: KeptLog;
  /** Resolves when the agent has left. */
  readonly left: Promise<void>;
  shutDown(): Promise<void>;
  drain(): void;
}

/** A whole agent in this process, on a real connection to the test's master. */
export async function startWorker(
  master: Pick<FakeMaster, 'url'>,
  rest: Partial<WorkerOptions> = {},
): Promise<TestWorker> {
  const directory = rest.directory ?? (await temporaryDirectory());
  const log = new KeptLog();
  const options: WorkerOptions = {
    ...{ master: master.url, name: 'w1', token: 'secret-token', directory },
    ...{ once: false, lingerMs: 0, longestDelayMs: 50, journalLimitBytes: 64 * 1024 * 1024, jsonLog: false },
    ...{ tls: { certificate: null, key: null, authority: null } },
    ...rest,
  };
  const { agent, killEverything, release } = await startAgent(options, process.env, log);
  const left = agent.work().then(() => release());
  const shutDown = async () => {
    agent.shutDown('the test is over');
    await left;
  };
  onTestFinished(async () => {
    killEverything();
    await shutDown();
  });
  return { directory, log, left, shutDown, drain: () => agent.drain('asked to') };
}
