import { formatDuration, type Lock, lockSchema } from '@icefall/shared';
import type { Command } from 'commander';
import { z } from 'zod';
import type { CommandContext } from '../context.ts';
import { type Column, tableLines } from '../output/table.ts';

const listSchema = z.object({ locks: z.array(lockSchema) });
type Use = Lock['holders'][number] | Lock['waiters'][number];

export function addLocks(program: Command, context: CommandContext): void {
  program
    .command('locks')
    .description('list the locks, who holds them and who waits')
    .action(async () => {
      const { value, json } = await context.client().get('/locks', listSchema);
      const columns = columnsAt(context.terminal.now());
      context.print(json, () =>
        value.locks.length === 0 ? ['the site has no lock'] : tableLines(context.terminal, columns, value.locks),
      );
    });
}

function columnsAt(now: number): readonly Column<Lock>[] {
  return [
    { title: 'LOCK', value: ({ name }) => name },
    { title: 'HELD', value: ({ holders, maxCount }) => `${holders.reduce((n, h) => n + h.count, 0)}/${maxCount}` },
    { title: 'HOLDERS', value: ({ holders }) => usesOf(holders, now), flexible: true },
    { title: 'WAITERS', value: ({ waiters }) => usesOf(waiters, now), flexible: true },
  ];
}

function usesOf(uses: readonly Use[], now: number): string {
  return uses
    .map((use) => {
      const build = use.buildNumber === null ? use.builder : `${use.builder}/${use.buildNumber}`;
      const step = use.stepName === null ? '' : `.${use.stepName}`;
      return `${build}${step} (${use.mode === 'exclusive' ? 'exclusive, ' : ''}${formatDuration(now - use.since)})`;
    })
    .join(', ');
}
