import { loadSite, siteFile } from './loader.ts';
import { ConfigError, type Problem } from './problems.ts';
import type { SiteDeclaration } from './site.ts';
import { typeErrors } from './type-errors.ts';

/**
 * Loads a site's program as {@link loadSite} does, and has its types checked at the same time. Throws {@link ConfigError}
 * with the mistakes of both kinds; a line with one of the first kind is not told again for its type.
 */
export async function checkSite(path: string): Promise<SiteDeclaration> {
  const [loaded, types] = await Promise.allSettled([loadSite(path), typeErrors(siteFile(path))]);
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
