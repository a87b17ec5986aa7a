import type { Command } from 'commander';
import type { Finding } from '../../storage/verify/findings.ts';
import { Interrupted } from '../client/api-client.ts';
import type { CommandContext } from '../context.ts';
import { CliError, EXIT } from '../exit.ts';
import { StepProgress } from '../output/step-progress.ts';
import { counted, paint, printable } from '../output/text.ts';
import type { Terminal } from '../terminal.ts';
import { stateIn } from './state-folder.ts';

export function addVerify(program: Command, context: CommandContext): void {
  program
    .command('verify')
    .argument('<dir>', 'as given to icefall start, or a backup')
    .description(
      "check a master's state (running or stopped) or a backup: database, rows and log files; changes nothing",
    )
    .action((dir: string) => verify(context, dir));
}

async function verify(context: CommandContext, dir: string): Promise<void> {
  const { terminal } = context;
  const { verifyState } = await import('../../storage/verify/verify.ts');
  const directory = stateIn(terminal, dir);
  using progress = new StepProgress(terminal);
  const report = await verifyState({
    ...{ directory, signal: terminal.signal },
    progress: ({ what, done, total }) => progress.show(`checking ${what}`, done, total),
  }).catch((error: unknown) => {
    if (terminal.signal.aborted) throw new Interrupted();
    if (error instanceof Error && error.name === 'DatabaseError') throw new CliError(EXIT.storage, error.message);
    throw error;
  });
  progress[Symbol.dispose]();
  const { findings, builds, logs, files } = report;
  const damages = findings.filter(({ severity }) => severity === 'damage').length;
  const checked = `${counted(builds, 'build')}, ${counted(logs, 'log')} and ${counted(files, 'file')} checked`;
  context.print(report, () => [
    ...findings.flatMap((finding) => findingLines(terminal, finding)),
    damages === 0 ? `${dir}: no damage; ${checked}` : `${dir}: ${checked}`,
  ]);
  if (damages > 0) throw new CliError(EXIT.failed, `${counted(damages, 'damage')} found`);
}

function findingLines(terminal: Terminal, { severity, place, message, remedy }: Finding): string[] {
  const head = paint(terminal, severity === 'damage' ? 'red' : 'yellow', severity);
  return [`${head}  ${printable(place)}: ${printable(message)}`, `  ${printable(remedy)}`];
}
