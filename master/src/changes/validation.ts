/** What branch and revision from outside may look like: `site({ validation })`. */
export interface Validation {
  readonly branch: RegExp;
  readonly revision: RegExp;
}

interface Source {
  readonly repository: string;
  readonly branch: string | null;
  readonly revision: string | null;
}

/** What is wrong with a source that came from outside, by field; nothing of it is later checked again. */
export function refusals(source: Source, validation: Validation): Record<string, string> {
  const refused: Record<string, string> = {};
  if (source.branch !== null && !isMatch(validation.branch, source.branch))
    refused.branch = `${JSON.stringify(source.branch)} does not match the site's validation ${validation.branch}`;
  if (source.revision !== null && !isMatch(validation.revision, source.revision))
    refused.revision = `${JSON.stringify(source.revision)} does not match the site's validation ${validation.revision}`;
  if (!isAddress(source.repository))
    refused.repository = `${JSON.stringify(source.repository)} is no repository address: it must not begin with - nor hold line breaks`;
  return refused;
}

/** A regular expression with the flag `g` or `y` remembers where it was; a check must not. */
function isMatch(pattern: RegExp, text: string): boolean {
  pattern.lastIndex = 0;
  return pattern.test(text);
}

/** An address that begins with `-` would be an option to Git. */
function isAddress(repository: string): boolean {
  return !/^-|[\r\n\0]/.test(repository);
}
