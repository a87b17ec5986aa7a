import { type Builder, builderSchema } from '@icefall/shared';
import type { Command } from 'commander';
import { z } from 'zod';
import type { CommandContext } from '../context.ts';
import { type Column, tableLines } from '../output/table.ts';
import { resultCell } from '../output/words.ts';

const listSchema = z.object({ builders: z.array(builderSchema) });

const columns: readonly Column<Builder>[] = [
  { title: 'BUILDER', value: ({ name }) => name },
  { title: 'GROUP', optional: true, value: ({ group }) => group },
  { title: 'LAST', value: ({ lastResult }) => resultCell(lastResult) },
  { title: 'RUNNING', value: ({ runningBuilds }) => String(runningBuilds), align: 'right' },
  { title: 'WAITING', value: ({ pendingRequests }) => String(pendingRequests), align: 'right' },
  { title: 'WORKERS', optional: true, value: ({ workers }) => workers.join(', '), flexible: true },
  { title: 'FORCE', optional: true, value: ({ forceSchedulers }) => forceSchedulers.join(', '), flexible: true },
];

export function addBuilders(program: Command, context: CommandContext): void {
  program
    .command('builders')
    .argument('[text]', 'only those with this in their name')
    .option('--tag <tag>', 'only those with this tag')
    .description('list the builders')
    .action(async (text: string | undefined, { tag }: { tag?: string }) => {
      const { value, json } = await context.client().get('/builders', listSchema);
      const isWanted = (builder: Builder) =>
        builder.name.includes(text ?? '') && (tag === undefined || builder.tags.includes(tag));
      const builders = value.builders.filter(isWanted);
      const isFiltered = text !== undefined || tag !== undefined;
      context.print(isFiltered ? { builders } : json, () =>
        builders.length === 0 ? ['no such builder'] : tableLines(context.terminal, columns, builders),
      );
    });
}
