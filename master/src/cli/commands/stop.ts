import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { Interrupted } from '../client/api-client.ts';
import { type CommandContext, wholeNumber } from '../context.ts';
import { CliError, EXIT } from '../exit.ts';
import { StepProgress } from '../output/step-progress.ts';
import { counted } from '../output/text.ts';
import { STATE_FOLDER } from './state-folder.ts';

/** Between two looks whether it has ended. */
const LOOK_MS = 100;
/** A master that stops finishes its turn and says good-bye to its workers: seconds. */
const DEFAULT_LIMIT_S = 60;

interface Options {
  readonly timeout?: number;
  readonly drain?: boolean;
}

export function addStop(program: Command, context: CommandContext): void {
  program
    .command('stop')
    .argument('<dir>', 'as given to icefall start')
    .option('--drain', 'start no new builds, and stop when those that run have ended; a second stop ends it at once')
    .option(
      '--timeout <seconds>',
      `how long to wait for its end (default: ${DEFAULT_LIMIT_S}, with --drain as long as it takes)`,
      wholeNumber('--timeout', 0, 31_536_000),
    )
    .description('stop the master of a directory and wait for its end; what runs on workers goes on')
    .action((dir: string, options: Options) => stop(context, dir, options));
}

async function stop(context: CommandContext, dir: string, options: Options): Promise<void> {
  const { runningMaster } = await import('../process/instance-lock.ts');
  const directory = join(resolve(context.terminal.cwd, dir), STATE_FOLDER);
  const look = () => runningMaster(directory);
  const pid = look();
  if (pid === null) return context.print({ stopped: false }, () => [`no master runs on ${dir}`]);
  if (pid === 'unknown') throw new CliError(EXIT.failed, `a master is just starting on ${dir}; try again`);
  const drains = options.drain === true;
  const usualLimitS = drains ? Number.POSITIVE_INFINITY : DEFAULT_LIMIT_S;
  const runs = () => look() === pid;
  process.kill(pid, drains ? 'SIGUSR2' : 'SIGTERM');
  using progress = new StepProgress(context.terminal);
  const tell = drains ? await runningBuilds(directory, progress) : () => {};
  await waitForEnd(context, { dir, pid, drains, runs, tell, timeoutS: options.timeout ?? usualLimitS });
  progress[Symbol.dispose]();
  context.print({ stopped: true, pid }, () => [`stopped (process ${pid})`]);
}

/** Shows how many builds still run, as the database says. */
async function runningBuilds(directory: string, progress: StepProgress): Promise<() => void> {
  const { openForReading } = await import('../../storage/places.ts');
  let atStart: number | null = null;
  return () => {
    const db = openForReading(directory);
    try {
      const sql = "SELECT COUNT(*) AS n FROM builds WHERE state <> 'finished'";
      const left = db.prepare<[], { n: number }>(sql).get()?.n ?? 0;
      atStart = Math.max(atStart ?? left, left);
      progress.show(`drains: ${counted(left, 'build')} left to end`, atStart - left, atStart);
    } finally {
      db.close();
    }
  };
}

interface Ending {
  readonly dir: string;
  readonly pid: number;
  readonly drains: boolean;
  readonly timeoutS: number;
  /** False for another process, too: a master that a supervisor has started since. */
  readonly runs: () => boolean;
  readonly tell: () => void;
}

async function waitForEnd({ terminal }: CommandContext, ending: Ending): Promise<void> {
  const { dir, pid, drains, timeoutS, runs, tell } = ending;
  const until = terminal.now() + timeoutS * 1000;
  while (runs()) {
    if (terminal.now() > until) throw new CliError(EXIT.failed, tooLate(ending));
    tell();
    await terminal.wait(LOOK_MS);
    if (!terminal.signal.aborted) continue;
    if (drains) terminal.err(`icefall: process ${pid} goes on draining; to end it at once: icefall stop ${dir}\n`);
    throw new Interrupted();
  }
}

function tooLate({ dir, pid, drains, timeoutS }: Ending): string {
  const what = `process ${pid} has not ended within ${timeoutS} s`;
  return drains
    ? `${what}: builds still run (icefall status); it goes on draining, and icefall stop ${dir} ends it at once`
    : `${what}; look at its log, or end it with: kill -KILL ${pid}`;
}
