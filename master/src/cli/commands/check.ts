import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { SiteSummary } from '../../config/site-summary.ts';
import type { CommandContext } from '../context.ts';
import { checkOrTell } from '../site-of.ts';

export function addCheck(program: Command, context: CommandContext): void {
  program
    .command('check')
    .argument('[path]', "the site's program, or the folder of its site.ts", '.')
    .description('load a configuration and tell all its mistakes, or what is in it')
    .option('--no-types', 'leave out what the TypeScript compiler says of the types')
    .action(async (path: string, options: { readonly types: boolean }) => {
      const site = await checkOrTell(context, resolve(context.terminal.cwd, path), options);
      context.print(site, () => summaryLines(site));
    });
}

function summaryLines({ title, timeZone, ...lists }: SiteSummary): string[] {
  const rows = Object.entries(lists).map(([what, names]) =>
    `  ${what.padEnd(10)} ${String(names.length).padStart(3)}  ${names.join(', ')}`.trimEnd(),
  );
  return [`${title}: no mistakes (time zone ${timeZone})`, ...rows];
}
