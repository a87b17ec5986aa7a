import { type Worker, workerSchema } from '@icefall/shared';
import type { Command } from 'commander';
import { z } from 'zod';
import { owner } from '../client/owner.ts';
import { apiPath } from '../client/paths.ts';
import type { CommandContext } from '../context.ts';
import { type Cell, type Column, tableLines } from '../output/table.ts';
import { relative } from '../output/words.ts';

const listSchema = z.object({ workers: z.array(workerSchema) });
const tokenSchema = z.object({ token: z.string().min(1) });

export function addWorkers(program: Command, context: CommandContext): void {
  const group = program.command('worker').description('list workers and act on them');
  group
    .command('list')
    .description('list the workers')
    .action(async () => {
      const { value, json } = await context.client().get('/workers', listSchema);
      const columns = columnsAt(context.terminal.now());
      context.print(json, () =>
        value.workers.length === 0 ? ['the site has no worker'] : tableLines(context.terminal, columns, value.workers),
      );
    });
  addAction(group, context, 'pause', 'start nothing new on a worker', 'takes nothing new; what runs goes on');
  addAction(group, context, 'resume', 'let a paused worker go on', 'takes builds again');
  addAction(group, context, 'shutdown', 'have a worker finish what it runs and leave', 'leaves when it has finished');
  addTokens(group, context);
}

function addTokens(group: Command, context: CommandContext): void {
  const tokens = group.command('token').description('make and revoke what workers show');
  tokens
    .command('issue')
    .argument('<name>')
    .description('make a new token for a worker that the site declares without one; an older one ends')
    .action(async (name: string) => {
      const path = apiPath(['workers', name, 'token']);
      const { value, json } = await context.client().post(path, owner(context), tokenSchema);
      // The token alone: `icefall worker token issue NAME > FILE` makes a token file.
      context.print(json, () => [value.token]);
      context.terminal.err('icefall: this token is shown this once; give it to the worker with --token-file\n');
    });
  tokens
    .command('revoke')
    .argument('<name>')
    .description('end the token of a worker, and its connection')
    .action(async (name: string) => {
      const path = apiPath(['workers', name, 'token', 'revoke']);
      const { json } = await context.client().post(path, owner(context), z.unknown());
      context.print(json, () => [`${name}: its token is of no use any more`]);
    });
}

function addAction(group: Command, context: CommandContext, verb: string, description: string, outcome: string): void {
  group
    .command(verb)
    .argument('<name>')
    .description(description)
    .action(async (name: string) => {
      const { json } = await context.client().post(apiPath(['workers', name, verb]), owner(context), z.unknown());
      context.print(json, () => [`${name}: ${outcome}`]);
    });
}

function columnsAt(now: number): readonly Column<Worker>[] {
  return [
    { title: 'WORKER', value: ({ name }) => name },
    { title: 'STATE', value: stateOf },
    { title: 'SEEN', optional: true, value: (worker) => seenOf(worker, now), align: 'right' },
    { title: 'BUILDS', value: ({ buildIds, maxBuilds }) => `${buildIds.length}/${maxBuilds}`, align: 'right' },
    { title: 'PLATFORM', optional: true, value: platformOf, flexible: true },
    { title: 'NOTE', optional: true, value: ({ lastRefusal }) => lastRefusal ?? '', flexible: true },
  ];
}

function stateOf(worker: Worker): Cell {
  if (!worker.connected) return { text: worker.paused ? 'away, paused' : 'away', format: 'red' };
  if (worker.leaving) return { text: 'leaving', format: 'yellow' };
  return worker.paused ? { text: 'paused', format: 'yellow' } : { text: 'connected', format: 'green' };
}

function seenOf(worker: Worker, now: number): string {
  if (worker.connected) return 'now';
  return worker.lastSeenAt === null ? 'never' : relative(worker.lastSeenAt, now);
}

function platformOf({ info }: Worker): string {
  const os = info?.os;
  const name = typeof os === 'object' && os !== null && 'name' in os ? os.name : info?.platform;
  return typeof name === 'string' ? name : '';
}
