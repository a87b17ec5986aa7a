import type { SiteDeclaration } from '../config/site.ts';
import type { SiteSummary } from '../config/site-summary.ts';
import type { CommandContext } from './context.ts';
import { CliError, EXIT } from './exit.ts';
import { problemLines, problemsOf } from './output/problem-lines.ts';
import { counted } from './output/text.ts';

/** Loads a site's program; its mistakes are printed, and end the command. */
export async function loadOrTell(context: CommandContext, path: string): Promise<SiteDeclaration> {
  // Loaded here: the other commands start faster without the configuration API.
  const { loadSite } = await import('../config/loader.ts');
  return orTell(context, loadSite(path, { alone: { fd: 2, form: 'text' } }));
}

/** Tries it in a process of its own, and with its types checked if asked. */
export async function checkOrTell(
  context: CommandContext,
  path: string,
  options: { readonly types: boolean },
): Promise<SiteSummary> {
  const { checkSite } = await import('../config/check-site.ts');
  return orTell(context, checkSite(path, options));
}

async function orTell<T>(context: CommandContext, load: Promise<T>): Promise<T> {
  const { ConfigError } = await import('../config/problems.ts');
  try {
    return await load;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    context.print({ problems: problemsOf(context, error) }, () => problemLines(context, error));
    throw new CliError(EXIT.failed, counted(error.problems.length, 'mistake'));
  }
}
