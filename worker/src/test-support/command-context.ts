import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from '@icefall/shared';
import type { CommandContext, CommandEnd } from '../commands/context.ts';
import { execute } from '../commands/executors.ts';
import type { Environment } from '../environment.ts';
import { type TestHost, testHost } from './process-host.ts';

interface TestContext extends TestHost {
  readonly context: CommandContext;
  /** Absolute path of what is in the build's directory. */
  path(...names: readonly string[]): string;
  run(command: Command): Promise<CommandEnd>;
}

/** Everything a command is given by the agent, in a directory of the test. */
export async function testContext(rest: Partial<CommandContext> = {}): Promise<TestContext> {
  const test = await testHost();
  const buildDirectory = join(test.directory, 'b');
  const scratchDirectory = join(test.directory, '.icefall', 'journal', '1-1');
  await mkdir(scratchDirectory, { recursive: true });
  await mkdir(buildDirectory);
  const workerEnvironment: Environment = { PATH: process.env.PATH ?? '', HOME: test.directory };
  const context: CommandContext = {
    ...test.host,
    ...{ buildDirectory, scratchDirectory, workerEnvironment },
    commandId: 1,
    epoch: 1,
    random: () => 0,
    baseDirectory: test.directory,
    transfers: { baseUrl: 'http://127.0.0.1:1', workerName: 'w', token: 't' },
    started: () => {},
    ...rest,
  };
  return {
    ...{ ...test, context },
    path: (...names) => join(buildDirectory, ...names),
    run: (command) => execute(command, context),
  };
}
