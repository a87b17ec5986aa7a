import { formatDuration, type Lock, lockSchema } from '@icefall/shared';
import type { Command } from 'commander';
import { z } from 'zod';
import { fetchBuild, findStep, parseBuildReference } from '../client/build-reference.ts';
import { owner } from '../client/owner.ts';
import { apiPath } from '../client/paths.ts';
import type { CommandContext } from '../context.ts';
import { usageError } from '../exit.ts';
import { type Cell, type Column, tableLines } from '../output/table.ts';
import { buildName } from '../output/words.ts';

const listSchema = z.object({ locks: z.array(lockSchema) });
type Use = Lock['holders'][number] | Lock['waiters'][number];

const BY_FORCE_ONLY =
  'what the build runs may go on beside the next holder, and the build is stopped without clean-up: stop it instead ' +
  '(icefall stop-build) where its worker answers; else give --force';

export function addLocks(program: Command, context: CommandContext): void {
  const group = program.command('locks');
  addRelease(group, context);
  group.description('list the locks, who holds them and who waits').action(async () => {
    const { value, json } = await context.client().get('/locks', listSchema);
    const columns = columnsAt(context.terminal.now());
    context.print(json, () =>
      value.locks.length === 0 ? ['the site has no lock'] : tableLines(context.terminal, columns, value.locks),
    );
  });
}

function addRelease(group: Command, context: CommandContext): void {
  group
    .command('release')
    .argument('<lock>', 'name of the lock (icefall locks)')
    .argument('<holder>', 'the build that holds it (id or builder/number), or a step of it (412.3, 412.publish)')
    .requiredOption('--reason <text>', 'why; for the audit log')
    .option('--force', 'needed: what the holder runs may go on beside the next one')
    .description('take a lock from a holder that will not give it back; its build is stopped without clean-up')
    .action(async (lock: string, holder: string, { reason, force }: { reason: string; force?: boolean }) => {
      if (force !== true) throw usageError(BY_FORCE_ONLY);
      const client = context.client();
      const reference = parseBuildReference(holder);
      const { value: build } = await fetchBuild(client, reference);
      const step = reference.step === null ? null : findStep(build, reference.step);
      const asked = { buildId: build.id, stepNumber: step?.number ?? null, reason, force };
      const path = apiPath(['locks', lock, 'release']);
      const { json } = await client.post(path, { ...owner(context), ...asked }, z.unknown());
      context.print(json, () => [`lock ${lock} is taken from build ${buildName(build)}, which is told to stop`]);
    });
}

function columnsAt(now: number): readonly Column<Lock>[] {
  return [
    { title: 'LOCK', value: nameOf },
    { title: 'HELD', value: heldOf },
    { title: 'HOLDERS', value: ({ holders }) => usesOf(holders, now), flexible: true },
    { title: 'WAITERS', value: ({ waiters }) => usesOf(waiters, now), flexible: true },
  ];
}

function heldOf({ holders, maxCount, ofPaths }: Lock): string {
  const held = holders.reduce((sum, { count }) => sum + count, 0);
  return ofPaths === true ? String(held) : `${held}/${maxCount}`;
}

/** Red where somebody has waited for it longer than he should. */
function nameOf({ name, alarm }: Lock): Cell | string {
  return alarm == null ? name : { text: `${name} (waited for too long)`, format: 'red' };
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
