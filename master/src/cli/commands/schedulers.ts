import { buildsetSchema, namedShortly, type Scheduler, schedulerSchema } from '@icefall/shared';
import type { Command } from 'commander';
import { z } from 'zod';
import { owner } from '../client/owner.ts';
import { apiPath } from '../client/paths.ts';
import type { CommandContext } from '../context.ts';
import { type Cell, type Column, tableLines } from '../output/table.ts';
import { counted } from '../output/text.ts';
import { relative } from '../output/words.ts';

const listSchema = z.object({ schedulers: z.array(schedulerSchema) });
const startedSchema = z.object({ buildsets: z.array(buildsetSchema) });

export function addSchedulers(program: Command, context: CommandContext): void {
  const group = program.command('scheduler').description('list schedulers, switch them on and off, run them now');
  group
    .command('list')
    .description('list the schedulers: when each started builds last, and when the clock does next')
    .action(async () => {
      const { value, json } = await context.client().get('/schedulers', listSchema);
      const columns = columnsAt(context.terminal.now());
      context.print(json, () =>
        value.schedulers.length === 0
          ? ['the site has no scheduler']
          : tableLines(context.terminal, columns, value.schedulers),
      );
    });
  addSwitch(group, context, { verb: 'on', enabled: true, outcome: 'starts builds again, not for what came meanwhile' });
  addSwitch(group, context, { verb: 'off', enabled: false, outcome: 'starts nothing until it is switched on' });
  addRun(group, context);
}

interface Switch {
  readonly verb: string;
  readonly enabled: boolean;
  readonly outcome: string;
}

function addSwitch(group: Command, context: CommandContext, { verb, enabled, outcome }: Switch): void {
  group
    .command(verb)
    .argument('<name>')
    .description(`switch a scheduler ${verb}; that is remembered`)
    .action(async (name: string) => {
      const body = { ...owner(context), enabled };
      const { json } = await context.client().post(apiPath(['schedulers', name, 'enable']), body, z.unknown());
      context.print(json, () => [`${name}: ${outcome}`]);
    });
}

function addRun(group: Command, context: CommandContext): void {
  group
    .command('run')
    .argument('<name>')
    .description('start now what changes or the clock would start later (by hand: icefall force)')
    .action(async (name: string) => {
      const path = apiPath(['schedulers', name, 'run']);
      const { value, json } = await context.client().post(path, owner(context), startedSchema);
      const ids = value.buildsets.flatMap(({ requestIds }) => requestIds);
      context.print(json, () => [
        ids.length === 0
          ? `${name}: there was nothing to start`
          : `${name}: started ${counted(ids.length, 'request')} (${ids.join(', ')})`,
      ]);
    });
}

function columnsAt(now: number): readonly Column<Scheduler>[] {
  return [
    { title: 'SCHEDULER', value: ({ name }) => name },
    { title: 'KIND', value: ({ kind }) => kind },
    { title: 'STATE', value: stateOf },
    { title: 'LAST', value: ({ lastAt }) => (lastAt === null ? 'never' : relative(lastAt, now)), align: 'right' },
    { title: 'NEXT', value: (scheduler) => nextOf(scheduler, now), align: 'right' },
    { title: 'BUILDERS', optional: true, value: ({ builders }) => namedShortly(builders), flexible: true },
    { title: 'NOTE', optional: true, value: ({ lastError }) => lastError ?? '', flexible: true },
  ];
}

function stateOf({ enabled, lastError }: Scheduler): Cell {
  if (!enabled) return { text: 'off', format: 'yellow' };
  return lastError == null ? { text: 'on', format: 'green' } : { text: 'failed', format: 'red' };
}

function nextOf({ enabled, nextAt }: Scheduler, now: number): string {
  return nextAt === null || !enabled ? '' : relative(nextAt, now);
}
