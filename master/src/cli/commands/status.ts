import { BUILD_STATES, type Build, buildSchema, formatDuration, type Status, statusSchema } from '@icefall/shared';
import type { Command } from 'commander';
import { z } from 'zod';
import type { ApiClient } from '../client/api-client.ts';
import { apiPath } from '../client/paths.ts';
import type { CommandContext } from '../context.ts';
import { buildWords, progressLines } from '../output/progress-lines.ts';
import { counted, paint, printable } from '../output/text.ts';
import { relative } from '../output/words.ts';

const buildsSchema = z.object({ builds: z.array(buildSchema) });
/** Of each state; `icefall builds` lists them all. */
const MOST_SHOWN = 50;

export function addStatus(program: Command, context: CommandContext): void {
  program
    .command('status')
    .description('what the master does now')
    .action(async () => {
      const client = context.client();
      const { value, json } = await client.get('/status', statusSchema);
      const running = value.runningBuilds === 0 || context.wantsJson() ? [] : await fetchRunning(client);
      context.print(json, () => [...statusLines(context, value), ...runningLines(context, running)]);
    });
}

/** Builds under way, oldest first. */
async function fetchRunning(client: ApiClient): Promise<Build[]> {
  const states = BUILD_STATES.filter((state) => state !== 'finished');
  const lists = await Promise.all(
    states.map((state) => client.get(apiPath(['builds'], { state, limit: MOST_SHOWN }), buildsSchema)),
  );
  return lists.flatMap(({ value }) => value.builds).sort((a, b) => a.id - b.id);
}

function runningLines({ terminal }: CommandContext, builds: readonly Build[]): string[] {
  if (builds.length === 0) return [];
  const words = builds.map((build) => buildWords(build, terminal.now()));
  return ['', ...progressLines(terminal, words, terminal.columns)];
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
    ...alarmLines(terminal, status, now),
    ...reloadErrors(terminal, status.configErrors),
  ];
}

function alarmLines(terminal: CommandContext['terminal'], status: Status, now: number): string[] {
  const { alarms, drainingSince } = status;
  const drains = `Drains since ${formatDuration(now - (drainingSince ?? now))}: no new builds are started.`;
  return [
    ...(drainingSince === null ? [] : ['', paint(terminal, 'yellow', drains)]),
    ...(alarms.length === 0 ? [] : ['', paint(terminal, 'red', `${counted(alarms.length, 'alarm')}:`)]),
    ...alarms.map(({ message, since }) => `  ${relative(since, now)}: ${printable(message)}`),
  ];
}

function reloadErrors(terminal: CommandContext['terminal'], errors: readonly string[]): string[] {
  if (errors.length === 0) return [];
  const head = `The last reload failed; the older configuration runs on. ${counted(errors.length, 'mistake')}:`;
  return ['', paint(terminal, 'red', head), ...errors.map((error) => `  ${printable(error)}`)];
}
