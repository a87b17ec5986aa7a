import { relative, resolve } from 'node:path';
import type { Command } from 'commander';
import type { ConfigError } from '../../config/problems.ts';
import type { SiteDeclaration } from '../../config/site.ts';
import type { CommandContext } from '../context.ts';
import { CliError, EXIT } from '../exit.ts';
import { counted } from '../output/text.ts';

export function addCheck(program: Command, context: CommandContext): void {
  program
    .command('check')
    .argument('[path]', "the site's program, or the folder of its site.ts", '.')
    .description('load a configuration and tell all its mistakes, or what is in it')
    .action(async (path: string) => {
      // Loaded here: the other commands start faster without the configuration API.
      const [{ loadSite }, { ConfigError }] = await Promise.all([
        import('../../config/loader.ts'),
        import('../../config/problems.ts'),
      ]);
      try {
        const site = await loadSite(resolve(context.terminal.cwd, path));
        context.print(summaryOf(site), () => summaryLines(site));
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        context.print({ problems: problemsOf(context, error) }, () => problemLines(context, error));
        throw new CliError(EXIT.failed, counted(error.problems.length, 'mistake'));
      }
    });
}

/** The mistakes of a configuration, a line each: `file:line: message`. */
export function problemLines(context: CommandContext, error: ConfigError): string[] {
  return problemsOf(context, error).map(({ file, line, message }) =>
    file === null ? message : `${file}:${line}: ${message}`,
  );
}

function problemsOf({ terminal: { cwd } }: CommandContext, error: ConfigError) {
  return error.problems.map(({ place, message }) => ({
    file: place === null ? null : fileOf(cwd, place.file),
    line: place?.line ?? null,
    message,
  }));
}

/** Short where the file lies below the current folder. */
function fileOf(cwd: string, file: string): string {
  const path = relative(cwd, file);
  return path.startsWith('..') ? file : path;
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
