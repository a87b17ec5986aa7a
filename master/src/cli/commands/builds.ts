import { type BuildHead, buildHeadSchema } from '@icefall/shared';
import type { Command } from 'commander';
import { z } from 'zod';
import { refuseUnknown } from '../client/named.ts';
import { apiPath } from '../client/paths.ts';
import type { CommandContext } from '../context.ts';
import { type Column, tableLines } from '../output/table.ts';
import { branchOf, buildName, buildStateCell, relative, tookSince } from '../output/words.ts';
import { type Paging, tellOlder, withPaging } from './paging.ts';

const listSchema = z.object({ builds: z.array(buildHeadSchema), next: z.number().int().nullable().optional() });
/** A screenful, and what the master gives at once. */
const LIMITS = { usual: 20, most: 200 };

interface Options extends Paging {
  readonly builder?: string;
  readonly worker?: string;
  readonly state?: string;
  readonly result?: string;
  readonly branch?: string;
}

export function addBuilds(program: Command, context: CommandContext): void {
  withPaging(program.command('builds'), LIMITS)
    .option('--builder <name>', 'only of this builder')
    .option('--worker <name>', 'only on this worker')
    .option('--state <state>', 'only in this state: preparing, running, waiting, finishing, finished')
    .option('--result <result>', 'only with this result: SUCCESS, WARNINGS, FAILURE, …', (text) => text.toUpperCase())
    .option('--branch <branch>', 'only of this branch')
    .description('list builds, newest first')
    .action(async (options: Options) => {
      const client = context.client();
      const { value, json } = await client.get(apiPath(['builds'], { ...options }), listSchema);
      if (value.builds.length === 0) await refuseUnknown(client, options);
      const columns = columnsAt(context.terminal.now());
      context.print(json, () =>
        value.builds.length === 0 ? ['no such build'] : tableLines(context.terminal, columns, value.builds),
      );
      tellOlder(context, value.next);
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
