import { formatDuration, type ReportEntry, type Reporter, reporterSchema, reportSchema } from '@icefall/shared';
import type { Command } from 'commander';
import { z } from 'zod';
import { apiPath } from '../client/paths.ts';
import { type CommandContext, wholeNumber } from '../context.ts';
import { type Cell, type Column, tableLines } from '../output/table.ts';
import { type Paging, tellOlder, withPaging } from './paging.ts';

const listSchema = z.object({ reporters: z.array(reporterSchema) });
const pageSchema = z.object({ reports: z.array(reportSchema), next: z.number().nullable() });

interface Options extends Paging {
  readonly reporter?: string;
  readonly state?: string;
}

export function addReporters(program: Command, context: CommandContext): void {
  program
    .command('reporters')
    .description('list who tells others of builds: what waits to be delivered, since when, and why')
    .action(async () => {
      const { value, json } = await context.client().get(apiPath(['reporters']), listSchema);
      const columns = columnsAt(context.terminal.now());
      context.print(json, () =>
        value.reporters.length === 0
          ? ['the site declares no reporters']
          : tableLines(context.terminal, columns, value.reporters),
      );
    });
}

export function addReports(program: Command, context: CommandContext): void {
  const group = program.command('reports');
  addResend(group, context);
  withPaging(group, { usual: 50, most: 500 })
    .option('--reporter <name>', 'only of this one')
    .option('--state <state>', 'only those that are waiting, delivered or givenUp')
    .description('tell what reporters have told and are to tell, and what became of it; newest first')
    .action(async ({ reporter, state, before, limit }: Options) => {
      const path = apiPath(['reports'], { reporter, state, before, limit });
      const { value, json } = await context.client().get(path, pageSchema);
      context.print(json, () =>
        value.reports.length === 0
          ? ['no such report is on record']
          : tableLines(context.terminal, REPORT_COLUMNS, value.reports),
      );
      tellOlder(context, value.next);
    });
}

function addResend(group: Command, context: CommandContext): void {
  group
    .command('resend')
    .argument('<report>', 'its id (icefall reports)', wholeNumber('report', 1, Number.MAX_SAFE_INTEGER))
    .description('tell one again that was given up or has not arrived, once its server takes it for instance')
    .action(async (id: number) => {
      const { value, json } = await context.client().post(apiPath(['reports', String(id), 'resend']), {}, reportSchema);
      context.print(json, () => [`report ${id} is told again as ${value.id}: see icefall reports`]);
    });
}

function columnsAt(now: number): readonly Column<Reporter>[] {
  const ago = (at: number | null) => (at === null ? '' : `${formatDuration(now - at)} ago`);
  return [
    { title: 'REPORTER', value: ({ name }) => name },
    { title: 'KIND', value: ({ kind }) => kind },
    { title: 'CURSOR', optional: true, value: ({ cursor }) => String(cursor), align: 'right' },
    { title: 'DELIVERED', value: ({ delivered }) => String(delivered), align: 'right' },
    { title: 'LAST', value: ({ lastDeliveredAt }) => ago(lastDeliveredAt) },
    { title: 'GIVEN UP', value: ({ givenUp }) => String(givenUp), align: 'right' },
    { title: 'WAITING', value: ({ waiting }) => String(waiting), align: 'right' },
    { title: 'WHY', value: (reporter) => whyOf(reporter, now), flexible: true },
  ];
}

/** `since 3 m 20 s, 5 tries, again in 40 s: connect ECONNREFUSED`; empty where nothing waits. */
function whyOf({ waitingSince, tries, nextTryAt, lastError }: Reporter, now: number): Cell | string {
  if (waitingSince === null) return '';
  const since = `since ${formatDuration(now - waitingSince)}`;
  if (tries === 0) return `${since}: is about to be told`;
  const again = nextTryAt === null || nextTryAt <= now ? 'now' : `in ${formatDuration(nextTryAt - now)}`;
  return {
    text: `${since}, ${tries === 1 ? 'one try' : `${tries} tries`}, again ${again}: ${lastError ?? ''}`,
    format: 'red',
  };
}

const REPORT_COLUMNS: readonly Column<ReportEntry>[] = [
  { title: 'ID', value: ({ id }) => String(id), align: 'right' },
  { title: 'TIME (UTC)', value: ({ at }) => new Date(at).toISOString().slice(0, 19).replace('T', ' ') },
  { title: 'REPORTER', value: ({ reporter }) => reporter },
  { title: 'BUILD', value: ({ buildId }) => String(buildId), align: 'right' },
  { title: 'OF ITS', value: ({ moment }) => moment },
  { title: 'TRIES', value: ({ tries }) => String(tries), align: 'right' },
  { title: 'BECAME', value: becameOf, flexible: true },
];

/** `delivered`, `waiting: 451 try again later`, `given up after 15 tries in 2 h 10 m: …`, `refused: …`. */
function becameOf({ state, note }: ReportEntry): Cell | string {
  if (state === 'givenUp') return { text: note ?? 'given up', format: 'red' };
  return note === null ? state : `${state}: ${note}`;
}
