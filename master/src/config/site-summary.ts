import type { SiteDeclaration } from './site.ts';

/** What is in a configuration, by name. */
export interface SiteSummary {
  readonly title: string;
  readonly timeZone: string;
  readonly builders: readonly string[];
  readonly schedulers: readonly string[];
  readonly workers: readonly string[];
  readonly locks: readonly string[];
}

export function summaryOf(site: SiteDeclaration): SiteSummary {
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
