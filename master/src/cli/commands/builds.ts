import { type BuildHead, buildHeadSchema } from '@icefall/shared';
import type { Command } from 'commander';
import { z } from 'zod';
import { refuseUnknown } from '../client/named.ts';
import { apiPath } from '../client/paths.ts';
import { type CommandContext, wholeNumber } from '../context.ts';
import { type Column, tableLines } from '../output/table.ts';
import { branchOf, buildName, buildStateCell, relative, tookSince } from '../output/words.ts';

const listSchema = z.object({ builds: z.array(buildHeadSchema), next: z.number().int().nullable().optional() });
/** A screenful. */
const DEFAULT_LIMIT = 20;
const MOST = 200;

interface Options {
  readonly builder?: string;
  readonly worker?: string;
  readonly state?: string;
  readonly result?: string;
  readonly branch?: string;
  readonly before?: number;
  readonly limit: number;
}

export function addBuilds(program: Command, context: CommandContext): void {
  program
    .command('builds')
    .option('--builder <name>', 'only of this builder')
    .option('--worker <name>', 'only on this worker')
    .option('--state <state>', 'only in this state: preparing, running, waiting, finishing, finished')
    .option('--result <result>', 'only with this result: SUCCESS, WARNINGS, FAILURE, …', (text) => text.toUpperCase())
    .option('--branch <branch>', 'only of this branch')
    .option('--before <id>', 'only older than the build with this id', wholeNumber('--before', 1, 2 ** 53 - 1))
    .option('--limit <n>', 'how many', wholeNumber('--limit', 1, MOST), DEFAULT_LIMIT)
    .description('list builds, newest first')
    .action(async (options: Options) => {
      const client = context.client();
      const { value, json } = await client.get(apiPath(['builds'], { ...options }), listSchema);
      if (value.builds.length === 0) await refuseUnknown(client, options);
      const columns = columnsAt(context.terminal.now());
      context.print(json, () =>
        value.builds.length === 0 ? ['no such build'] : tableLines(context.terminal, columns, value.builds),
      );
      if (value.next != null && !context.wantsJson())
        context.terminal.err(`icefall: there are older ones: icefall builds --before ${value.next}\n`);
    });
}

function columnsAt(now: number): readonly Column<BuildHead>[] {
  return [
    { title: 'ID', value: ({ id }) => String(id), align: 'right' },
    { title: 'BUILD', value: buildName },
    { title: 'STATE', value: buildStateCell },
    { title: 'STARTED', value: ({ startedAt }) => relative(startedAt, now), align: 'right' },
    {
      title: 'TOOK',
      optional: true,
      value: ({ startedAt, finishedAt }) => tookSince(startedAt, finishedAt, now),
      align: 'right',
    },
    { title: 'WORKER', optional: true, value: ({ worker }) => worker },
    { title: 'BRANCH', optional: true, value: branchOf, flexible: true },
    { title: 'WHAT', value: ({ summary, reason }) => summary || reason, flexible: true },
  ];
}
