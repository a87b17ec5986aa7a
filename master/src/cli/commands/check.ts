import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { SiteDeclaration } from '../../config/site.ts';
import type { CommandContext } from '../context.ts';
import { loadOrTell } from '../site-of.ts';

export function addCheck(program: Command, context: CommandContext): void {
  program
    .command('check')
    .argument('[path]', "the site's program, or the folder of its site.ts", '.')
    .description('load a configuration and tell all its mistakes, or what is in it')
    .option('--no-types', 'leave out what the TypeScript compiler says of the types')
    .action(async (path: string, options: { readonly types: boolean }) => {
      const site = await loadOrTell(context, resolve(context.terminal.cwd, path), options);
      context.print(summaryOf(site), () => summaryLines(site));
    });
}

function summaryOf(site: SiteDeclaration) {
  const names = (things: readonly { readonly name: string }[]) => things.map(({ name }) => name);
  return {
    title: site.title,
    timeZone: site.timeZone,
    builders: names(site.builders),
    schedulers: names(site.schedulers),
    workers: names(site.workers),
    locks: names(site.locks),
  };
}

function summaryLines(site: SiteDeclaration): string[] {
  const { title, timeZone, ...lists } = summaryOf(site);
  const rows = Object.entries(lists).map(([what, names]) =>
    `  ${what.padEnd(10)} ${String(names.length).padStart(3)}  ${names.join(', ')}`.trimEnd(),
  );
  return [`${title}: no mistakes (time zone ${timeZone})`, ...rows];
}
