import type { Command } from 'commander';
import { z } from 'zod';
import type { CommandContext } from '../context.ts';

const reloadedSchema = z.object({ configVersion: z.number().int() });

export function addReload(program: Command, context: CommandContext): void {
  program
    .command('reload')
    .description('load the configuration again; with a mistake in it the older one runs on')
    .action(async () => {
      const client = context.client();
      const { value, json } = await client.post('/reload', {}, reloadedSchema, client.limits.reloadMs);
      context.print(json, () => [`configuration version ${value.configVersion} is in force`]);
    });
}
