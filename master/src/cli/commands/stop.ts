import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { Interrupted } from '../client/api-client.ts';
import { type CommandContext, wholeNumber } from '../context.ts';
import { CliError, EXIT } from '../exit.ts';
import { STATE_FOLDER } from './start.ts';

/** Between two looks whether it has ended. */
const LOOK_MS = 100;
/** A master that stops finishes its turn and says good-bye to its workers: seconds. */
const DEFAULT_LIMIT_S = 60;

export function addStop(program: Command, context: CommandContext): void {
  program
    .command('stop')
    .argument('<dir>', 'as given to icefall start')
    .option('--timeout <seconds>', 'how long to wait for its end', wholeNumber('--timeout', 0, 86_400), DEFAULT_LIMIT_S)
    .description('stop the master of a directory and wait for its end; what runs on workers goes on')
    .action(async (dir: string, { timeout }: { timeout: number }) => {
      const { runningMaster } = await import('../process/instance-lock.ts');
      const directory = join(resolve(context.terminal.cwd, dir), STATE_FOLDER);
      const look = () => runningMaster(directory);
      const pid = look();
      if (pid === null) return context.print({ stopped: false }, () => [`no master runs on ${dir}`]);
      if (pid === 'unknown') throw new CliError(EXIT.failed, `a master is just starting on ${dir}; try again`);
      process.kill(pid, 'SIGTERM');
      await waitForEnd(context, look, pid, timeout);
      context.print({ stopped: true, pid }, () => [`stopped (process ${pid})`]);
    });
}

async function waitForEnd(
  { terminal }: CommandContext,
  look: () => number | 'unknown' | null,
  pid: number,
  timeoutS: number,
): Promise<void> {
  const until = terminal.now() + timeoutS * 1000;
  // Another number is a master that a supervisor has started since.
  while (look() === pid) {
    if (terminal.now() > until)
      throw new CliError(
        EXIT.failed,
        `process ${pid} has not ended within ${timeoutS} s; look at its log, or end it with: kill -KILL ${pid}`,
      );
    await terminal.wait(LOOK_MS);
    if (terminal.signal.aborted) throw new Interrupted();
  }
}
