import { siteFile } from './loader.ts';
import { ConfigError, type Problem } from './problems.ts';
import type { SiteSummary } from './site-summary.ts';
import { trySite } from './trial.ts';
import { typeErrors } from './type-errors.ts';

/**
 * Tries a site's program as {@link trySite} does, and has its types checked at the same time if asked. Throws
 * {@link ConfigError} with the mistakes of both kinds; a line with one of the first kind is not told again for its type.
 */
export async function checkSite(path: string, options: { readonly types: boolean }): Promise<SiteSummary> {
  const [loaded, types] = await Promise.allSettled([
    trySite(path, { prints: true }),
    options.types ? typeErrors(siteFile(path)) : null,
  ]);
  if (types.status === 'rejected') throw types.reason;
  if (loaded.status === 'rejected' && !(loaded.reason instanceof ConfigError)) throw loaded.reason;
  const problems = loaded.status === 'rejected' ? loaded.reason.problems : [];
  const told = new Set(problems.map(lineOf));
  const all = [...problems, ...(types.value ?? []).filter((problem) => !told.has(lineOf(problem)))];
  if (loaded.status === 'rejected' || all.length > 0) throw new ConfigError(all);
  return loaded.value;
}

function lineOf({ place }: Problem): string {
  return `${place?.file}:${place?.line}`;
}
