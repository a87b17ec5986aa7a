import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { CommandContext } from '../context.ts';
import { CliError, EXIT } from '../exit.ts';
import { counted, printable } from '../output/text.ts';

interface Options {
  readonly repository?: string;
  readonly codebase?: string;
  readonly project?: string;
}

const loadHooks = () => import('../../changes/git-hook.ts');

export function addHook(program: Command, context: CommandContext): void {
  const group = program.command('hook').description('a hook through which a Git repository tells the master of pushes');
  const pathOf = (path: string) => resolve(context.terminal.cwd, path);
  group
    .command('install')
    .argument('<repository>', 'its folder, bare or not')
    .option('--repository <url>', "how the site's program names it (default: its absolute path)")
    .option('--codebase <name>', 'code base of its changes')
    .option('--project <name>', 'project of its changes')
    .description(
      'put a post-receive hook in place that tells the master at --url; a hook that is there goes on running',
    )
    .action((path: string, options: Options) =>
      explaining(async () => {
        const { installHook } = await loadHooks();
        const hook = await installHook(pathOf(path), { ...options, url: context.url() });
        const kept = hook.chained === null ? [] : [`the hook that was there runs as well: ${hook.chained}`];
        const told = `pushes are told to ${context.url()} as ${hook.repository}`;
        context.print(hook, () => [`installed ${hook.file}`, told, ...kept].map(printable));
      }),
    );
  group
    .command('flush')
    .argument('<repository>', 'its folder')
    .description('send what an installed hook could not send yet')
    .action((path: string) =>
      explaining(async () => {
        const { flushHook } = await loadHooks();
        const { terminal } = context;
        const report = await flushHook(pathOf(path), { now: terminal.now, signal: terminal.signal });
        const notes = [...report.remarks, ...report.refused].map(printable);
        context.print(report, () => (report.left === 0 ? [...notes, 'nothing waits'] : notes));
        if (report.left === 0) return;
        const left = `${counted(report.left, 'change')} still to be sent`;
        throw new CliError(EXIT.unreachable, `the master at ${report.url} cannot be told (${report.why}); ${left}`);
      }),
    );
}

/** What the hook's own errors and Git's say is for people. */
async function explaining(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (error instanceof CliError || !(error instanceof Error)) throw error;
    throw new CliError(EXIT.failed, error.message, { cause: error });
  }
}
