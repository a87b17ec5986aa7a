import type { SiteDeclaration } from '../config/site.ts';
import type { CommandContext } from './context.ts';
import { CliError, EXIT } from './exit.ts';
import { problemLines, problemsOf } from './output/problem-lines.ts';
import { counted } from './output/text.ts';

/** Loads a site's program, with its types checked if asked; its mistakes are printed, and end the command. */
export async function loadOrTell(
  context: CommandContext,
  path: string,
  { types }: { readonly types: boolean } = { types: false },
): Promise<SiteDeclaration> {
  // Loaded here: the other commands start faster without the configuration API.
  const [{ loadSite }, { checkSite }, { ConfigError }] = await Promise.all([
    import('../config/loader.ts'),
    import('../config/check-site.ts'),
    import('../config/problems.ts'),
  ]);
  try {
    return await (types ? checkSite : loadSite)(path);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    context.print({ problems: problemsOf(context, error) }, () => problemLines(context, error));
    throw new CliError(EXIT.failed, counted(error.problems.length, 'mistake'));
  }
}
