import { formatBytes, type HookDelivery, hookDeliverySchema } from '@icefall/shared';
import type { Command } from 'commander';
import { z } from 'zod';
import { apiPath } from '../client/paths.ts';
import { type CommandContext, wholeNumber } from '../context.ts';
import { type Cell, type Column, tableLines } from '../output/table.ts';
import { type Paging, tellOlder, withPaging } from './paging.ts';

const pageSchema = z.object({ deliveries: z.array(hookDeliverySchema), next: z.number().nullable() });

interface Options extends Paging {
  readonly dialect?: string;
  readonly outcome?: string;
}

export function addDeliveries(program: Command, context: CommandContext): void {
  const group = program.command('deliveries');
  addRedeliver(group, context);
  withPaging(group, { usual: 50, most: 500 })
    .option('--dialect <name>', 'only of this webhook: github, gitlab, gitea, generic')
    .option('--outcome <outcome>', 'only those that were accepted, ignored or refused')
    .description('tell what code hosts have sent to the webhooks, and what became of it; newest first')
    .action(async ({ dialect, outcome, before, limit }: Options) => {
      const path = apiPath(['hooks', 'deliveries'], { dialect, outcome, before, limit });
      const { value, json } = await context.client().get(path, pageSchema);
      context.print(json, () =>
        value.deliveries.length === 0
          ? ['no such delivery is on record']
          : tableLines(context.terminal, columns, value.deliveries),
      );
      tellOlder(context, value.next);
    });
}

function addRedeliver(group: Command, context: CommandContext): void {
  group
    .command('redeliver')
    .argument('<delivery>', 'its id (icefall deliveries)', wholeNumber('delivery', 1, Number.MAX_SAFE_INTEGER))
    .description('have a delivery read again whose body is kept, after the site was mended for instance')
    .action(async (id: number) => {
      const path = apiPath(['hooks', 'deliveries', String(id), 'redeliver']);
      const { value, json } = await context.client().post(path, {}, hookDeliverySchema);
      context.print(json, () => [`delivery ${id} was read again as ${value.id}: ${whatBecameOf(value)}`]);
    });
}

const columns: readonly Column<HookDelivery>[] = [
  { title: 'ID', value: ({ id }) => String(id), align: 'right' },
  { title: 'TIME (UTC)', value: ({ at }) => new Date(at).toISOString().slice(0, 19).replace('T', ' ') },
  { title: 'OF', value: ({ dialect }) => dialect },
  { title: 'FROM', optional: true, value: ({ origin }) => origin ?? '' },
  { title: 'EVENT', value: ({ event, redeliveryOf }) => `${event ?? ''}${again(redeliveryOf)}` },
  { title: 'DELIVERY', optional: true, value: ({ deliveryId }) => deliveryId ?? '' },
  { title: 'SIZE', optional: true, value: ({ sizeBytes }) => formatBytes(sizeBytes), align: 'right' },
  { title: 'BODY', optional: true, value: ({ isKept }) => (isKept ? 'kept' : '') },
  { title: 'BECAME', value: outcomeOf, flexible: true },
];

function again(of: number | null): string {
  return of === null ? '' : ` (${of} again)`;
}

function outcomeOf(delivery: HookDelivery): Cell | string {
  const text = whatBecameOf(delivery);
  return delivery.outcome === 'refused' ? { text, format: 'red' } : text;
}

/** `change 12`, `ignored: event "ping" is not used`, `refused: bad_signature: …`. */
function whatBecameOf({ outcome, changeIds, code, reason }: HookDelivery): string {
  if (outcome === 'accepted') return changeIds.map((id) => `change ${id}`).join(', ');
  return [outcome, code, reason].filter((part) => part !== null).join(': ');
}
