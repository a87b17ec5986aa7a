import type { SiteDeclaration } from '../config/site.ts';

/**
 * Whether a variable of the master's own environment holds a secret that the site names: the token of a worker, the secret of
 * a webhook or of a sign-in, whatever its places of secrets read. Programs on the master do not inherit these.
 */
export function isOwnVariable(site: SiteDeclaration, variable: string): boolean {
  const { workers, changeSources, access, secrets } = site;
  const sources = [
    workers.map(({ token }) => token),
    changeSources.map((source) => (source.type === 'webhook' ? source.secrets : [])),
    access?.signIn,
  ];
  return (
    namesVariable(sources, variable) || (secrets?.from ?? []).some((provider) => provider.owns?.(variable) === true)
  );
}

/** Whether a value names the variable as `{ env: NAME }`, at any depth. */
export function namesVariable(value: unknown, variable: string): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(([key, part]) =>
    key === 'env' && typeof part === 'string' ? part === variable : namesVariable(part, variable),
  );
}
