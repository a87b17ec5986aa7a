import { resolve } from 'node:path';
import { configurationSchema, snapshotSchema } from '@icefall/shared';
import type { Command } from 'commander';
import type { Plan } from '../../config/plan.ts';
import { apiPath } from '../client/paths.ts';
import type { CommandContext } from '../context.ts';
import { CliError, EXIT } from '../exit.ts';
import { planLines } from '../output/plan-lines.ts';
import { loadOrTell } from '../site-of.ts';

interface Options {
  readonly exitCode?: boolean;
}

/** What applies now is compared with; nothing of history is needed. */
const SNAPSHOT = apiPath(['snapshot'], { hours: 0 });

export function addPlan(program: Command, context: CommandContext): void {
  program
    .command('plan')
    .argument('[path]', "the site's program, or the folder of its site.ts", '.')
    .option('--exit-code', 'exit code 1 where anything would change')
    .description('tell what applying a configuration to the running master would change')
    .action(async (path: string, options: Options) => {
      const [{ describeSite }, { isEmptyPlan, planOf }] = await Promise.all([
        import('../../config/description.ts'),
        import('../../config/plan.ts'),
      ]);
      const site = await loadOrTell(context, resolve(context.terminal.cwd, path));
      const client = context.client();
      const { value: now } = await client.get('/config', configurationSchema);
      const { value: snapshot } = await client.get(SNAPSHOT, snapshotSchema);
      const plan: Plan = planOf(now.site, describeSite(site), snapshot);
      const isEmpty = isEmptyPlan(plan);
      context.print({ comparedWith: now.version, changes: !isEmpty, ...plan }, () => [
        isEmpty
          ? `nothing would change: configuration version ${now.version} says the same`
          : `compared with configuration version ${now.version}, which is in force:`,
        ...planLines(context.terminal, plan),
      ]);
      if (options.exitCode === true && !isEmpty) throw new CliError(EXIT.failed, 'applying it would change something');
    });
}
