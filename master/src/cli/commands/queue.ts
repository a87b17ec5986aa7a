import { type Blocker, describeBlocker, formatDuration, type Request, requestSchema } from '@icefall/shared';
import type { Command } from 'commander';
import { z } from 'zod';
import type { ApiClient } from '../client/api-client.ts';
import { refuseUnknown } from '../client/named.ts';
import { apiPath } from '../client/paths.ts';
import type { CommandContext } from '../context.ts';
import { type Column, tableLines } from '../output/table.ts';

const listSchema = z.object({ requests: z.array(requestSchema), next: z.number().int().nullable().optional() });
/** As many as the master gives at once. */
const PAGE = 1000;

export function addQueue(program: Command, context: CommandContext): void {
  program
    .command('queue')
    .option('--builder <name>', 'only of this builder')
    .description('list the requests that wait, and why each does')
    .action(async ({ builder }: { builder?: string }) => {
      const client = context.client();
      const { requests, json } = await fetchQueue(client, builder);
      if (requests.length === 0) await refuseUnknown(client, { builder });
      const columns = columnsAt(context.terminal.now());
      context.print({ requests: json }, () =>
        requests.length === 0 ? ['nothing waits'] : tableLines(context.terminal, columns, requests),
      );
    });
}

/** The whole queue, oldest first: who is to be served next is on top. */
async function fetchQueue(client: ApiClient, builder: string | undefined) {
  const requests: Request[] = [];
  const json: unknown[] = [];
  let before: number | undefined;
  do {
    const path = apiPath(['requests'], { state: 'pending', builder, limit: PAGE, before });
    const page = await client.get(path, listSchema);
    requests.push(...page.value.requests);
    json.push(...rawList(page.json));
    before = page.value.next ?? undefined;
  } while (before !== undefined);
  return { requests: requests.reverse(), json: json.reverse() };
}

function rawList(page: unknown): readonly unknown[] {
  const list: unknown = typeof page === 'object' && page !== null ? Reflect.get(page, 'requests') : null;
  return Array.isArray(list) ? list : [];
}

/** Why it waits, and when that ends by itself. */
function whyAt(blocker: Blocker, now: number): string {
  const words = describeBlocker(blocker);
  const isTimed = blocker.kind === 'backOff' || blocker.kind === 'workerAway';
  return isTimed ? `${words} (in ${formatDuration(Math.max(0, blocker.until - now))})` : words;
}

function columnsAt(now: number): readonly Column<Request>[] {
  return [
    { title: 'REQUEST', value: ({ id }) => String(id), align: 'right' },
    { title: 'BUILDER', value: ({ builder }) => builder },
    { title: 'WAITS', value: ({ submittedAt }) => formatDuration(now - submittedAt), align: 'right' },
    { title: 'PRIORITY', optional: true, value: ({ priority }) => String(priority), align: 'right' },
    {
      title: 'WHY',
      value: ({ blocker }) => (blocker === null ? 'is about to start' : whyAt(blocker, now)),
      flexible: true,
    },
    {
      title: 'REASON',
      optional: true,
      value: ({ reason, owner }) => (owner === null ? reason : `${reason} (${owner})`),
      flexible: true,
    },
  ];
}
