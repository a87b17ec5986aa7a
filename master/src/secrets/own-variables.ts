import type { SiteDeclaration } from '../config/site.ts';
import { namesVariable } from './named-variable.ts';

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
