/** What branch and revision from outside may look like: `site({ validation })`. */
export interface Validation {
  readonly branch: RegExp;
  readonly revision: RegExp;
  /** Null: any address. */
  readonly repository: RegExp | null;
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
    refused.branch = mismatch(source.branch, 'branch', validation.branch);
  if (source.revision !== null && !isMatch(validation.revision, source.revision))
    refused.revision = mismatch(source.revision, 'revision', validation.revision);
  if (!isAddress(source.repository))
    refused.repository = `${JSON.stringify(source.repository)} is no repository address: it must not begin with -, name a helper of Git (ext::), nor hold control characters`;
  else if (validation.repository !== null && !isMatch(validation.repository, source.repository))
    refused.repository = mismatch(source.repository, 'repository', validation.repository);
  return refused;
}

function mismatch(value: string, what: keyof Validation, pattern: RegExp): string {
  return `${JSON.stringify(value)} does not match the site's validation ${pattern}; site({ validation: { ${what} } }) may allow it`;
}

/** A regular expression with the flag `g` or `y` remembers where it was; a check must not. */
function isMatch(pattern: RegExp, text: string): boolean {
  pattern.lastIndex = 0;
  return pattern.test(text);
}

/** An address that begins with `-` would be an option to Git; `ext::` and its like run programs. */
function isAddress(repository: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused.
  return !/^-|^[A-Za-z0-9+.-]+::|[\u0000-\u001f\u007f]/.test(repository);
}
