import { type AuditEntry, auditEntrySchema } from '@icefall/shared';
import type { Command } from 'commander';
import { z } from 'zod';
import { apiPath } from '../client/paths.ts';
import type { CommandContext } from '../context.ts';
import { type Column, tableLines } from '../output/table.ts';
import { type Paging, tellOlder, withPaging } from './paging.ts';

const pageSchema = z.object({ entries: z.array(auditEntrySchema), next: z.number().nullable() });

interface Options extends Paging {
  readonly who?: string;
  readonly action?: string;
  readonly result?: string;
}

export function addAudit(program: Command, context: CommandContext): void {
  withPaging(program.command('audit'), { usual: 50, most: 1000 })
    .option('--who <name>', 'only what this user, token or address did')
    .option('--action <action>', 'only this: stop, force, signIn, …')
    .option('--result <code>', 'only with this result: ok, denied, bad_login, …')
    .description('tell who did what, from where, with what result; newest first')
    .action(async ({ who, action, result, before, limit }: Options) => {
      const path = apiPath(['audit'], { who, action, result, before, limit });
      const { value, json } = await context.client().get(path, pageSchema);
      context.print(json, () =>
        value.entries.length === 0
          ? ['nothing of this is on record']
          : tableLines(context.terminal, columns, value.entries),
      );
      tellOlder(context, value.next);
    });
}

const columns: readonly Column<AuditEntry>[] = [
  { title: 'ID', value: ({ id }) => String(id), align: 'right' },
  { title: 'TIME (UTC)', value: ({ at }) => new Date(at).toISOString().slice(0, 19).replace('T', ' ') },
  { title: 'WHO', value: ({ who }) => who },
  { title: 'FROM', optional: true, value: ({ origin }) => origin ?? '' },
  { title: 'WHAT', value: ({ action, object }) => `${action} ${object}`, flexible: true },
  { title: 'RESULT', value: ({ result }) => (result === 'ok' ? result : { text: result, format: 'red' }) },
];
