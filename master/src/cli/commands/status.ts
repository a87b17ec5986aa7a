import { formatDuration, type Status, statusSchema } from '@icefall/shared';
import type { Command } from 'commander';
import type { CommandContext } from '../context.ts';
import { counted, paint, printable } from '../output/text.ts';
import { relative } from '../output/words.ts';

export function addStatus(program: Command, context: CommandContext): void {
  program
    .command('status')
    .description('what the master does now')
    .action(async () => {
      const { value, json } = await context.client().get('/status', statusSchema);
      context.print(json, () => statusLines(context, value));
    });
}

function statusLines({ terminal }: CommandContext, status: Status): string[] {
  const now = terminal.now();
  const facts: [string, string][] = [
    ['Page', status.url],
    ['Version', `${status.version}, up ${formatDuration(now - status.startedAt)}`],
    ['Configuration', `version ${status.configVersion}, loaded ${relative(status.configLoadedAt, now)}`],
    ['Builds', `${status.runningBuilds} running, ${counted(status.pendingRequests, 'request')} waiting`],
    ['Workers', `${status.workersConnected} of ${status.workers} connected`],
    ['Time zone', status.timeZone],
  ];
  const width = Math.max(...facts.map(([name]) => name.length));
  return [
    paint(terminal, 'bold', printable(status.title)),
    ...facts.map(([name, value]) => `${name.padEnd(width)}  ${printable(value)}`),
    ...reloadErrors(terminal, status.configErrors),
  ];
}

function reloadErrors(terminal: CommandContext['terminal'], errors: readonly string[]): string[] {
  if (errors.length === 0) return [];
  const head = `The last reload failed; the older configuration runs on. ${counted(errors.length, 'mistake')}:`;
  return ['', paint(terminal, 'red', head), ...errors.map((error) => `  ${printable(error)}`)];
}
