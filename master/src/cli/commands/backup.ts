import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { formatBytes } from '@icefall/shared';
import type { Command } from 'commander';
import { Interrupted } from '../client/api-client.ts';
import type { CommandContext } from '../context.ts';
import { CliError, EXIT } from '../exit.ts';
import { StepProgress } from '../output/step-progress.ts';
import { counted, printable } from '../output/text.ts';
import { STATE_FOLDER, stateIn } from './state-folder.ts';

interface Options {
  readonly to: string;
  readonly base?: string;
  readonly copy?: boolean;
}

/** Missing log files that are named; icefall verify names all. */
const MOST_NAMED = 10;

export function addBackup(program: Command, context: CommandContext): void {
  program
    .command('backup')
    .argument('<dir>', 'as given to icefall start')
    .requiredOption('--to <target>', 'the backup: a folder that does not exist yet')
    .option('--base <backup>', 'an older backup on the same disk, whose log files are shared with this one')
    .option('--copy', 'copy log files where they could be shared with the master by hard links')
    .description('save the state of a master, running or stopped: database and logs of one moment')
    .action((dir: string, options: Options) => backup(context, dir, options));
}

async function backup(context: CommandContext, dir: string, options: Options): Promise<void> {
  const { terminal } = context;
  const { makeBackup } = await import('../../storage/backup.ts');
  const target = resolve(terminal.cwd, options.to);
  const directory = stateIn(terminal, dir);
  using progress = new StepProgress(terminal);
  const manifest = await told(terminal.signal, () =>
    makeBackup({
      ...{ directory, target, copy: options.copy === true, now: terminal.now, signal: terminal.signal },
      base: options.base === undefined ? null : resolve(terminal.cwd, options.base),
      progress: ({ what, done, total }) => progress.show(what, done, total),
    }),
  );
  progress[Symbol.dispose]();
  const { builds, logFiles, bytes, missing } = manifest;
  context.print({ target, ...manifest }, () => [
    `${options.to}: ${counted(builds, 'build')}, ${counted(logFiles, 'log file')}, ${formatBytes(bytes)}`,
  ]);
  if (missing.length === 0) return;
  const named = missing.slice(0, MOST_NAMED).map((path) => `\n  ${printable(path)}`);
  terminal.err(`icefall: the backup is whole but for ${counted(missing.length, 'log file')} that the master lacks:`);
  terminal.err(`${named.join('')}\n  icefall verify ${dir} tells more\n`);
}

export function addRestore(program: Command, context: CommandContext): void {
  program
    .command('restore')
    .argument('<backup>', 'what icefall backup made')
    .requiredOption('--to <dir>', `the folder to be given to icefall start; nothing may be in DIR/${STATE_FOLDER} yet`)
    .description('put a backup in place, for a master to be started on it; nothing is overwritten')
    .action((from: string, { to }: { to: string }) => restore(context, from, to));
}

async function restore(context: CommandContext, from: string, to: string): Promise<void> {
  const { terminal } = context;
  const { restoreBackup } = await import('../../storage/restore.ts');
  using progress = new StepProgress(terminal);
  const manifest = await told(terminal.signal, () =>
    restoreBackup({
      ...{ backup: resolve(terminal.cwd, from), directory: resolve(terminal.cwd, to, STATE_FOLDER) },
      ...{ now: terminal.now, signal: terminal.signal },
      progress: ({ done, total }) => progress.show('log files', done, total),
    }),
  );
  progress[Symbol.dispose]();
  const at = new Date(manifest.takenAt).toISOString();
  const hasSite = existsSync(join(resolve(terminal.cwd, to), 'site.ts'));
  context.print(manifest, () => [
    `${to} is as it was at ${at}: ${counted(manifest.builds, 'build')}`,
    "Builds that ran then are taken up where their workers still have them, and made again where they don't.",
    ...(hasSite ? [] : [`The site's program is not in a backup: put it into ${to}, or start with --config.`]),
    `To go on: icefall start ${to}`,
  ]);
}

/** Errors that say what to do are told in a line. */
async function told<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (signal.aborted) throw new Interrupted();
    const name = error instanceof Error ? error.name : '';
    if (error instanceof Error && name === 'DatabaseError') throw new CliError(EXIT.storage, error.message);
    if (error instanceof Error && name === 'BackupError') throw new CliError(EXIT.failed, error.message);
    throw error;
  }
}
