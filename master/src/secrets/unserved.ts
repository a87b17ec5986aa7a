import type { BuilderDeclaration } from '../config/builders.ts';
import { type Place, reportProblem } from '../config/problems.ts';
import type { SiteDeclaration } from '../config/site.ts';
import type { SecretsOptions } from './declaration.ts';
import { couldFit } from './policy.ts';
import { isSecretName, secretsIn } from './reference.ts';

type Checked = Pick<SiteDeclaration, 'builders' | 'secrets' | 'reporters'>;

/**
 * Reports builders and steps that no configuration of secrets can serve: there is none, or no rule for the builder. What
 * reporters name is for the site's own use, which needs no rule.
 */
export function checkSecrets({ builders, secrets, reporters }: Checked): void {
  if (secrets === null)
    for (const { name, place, ...options } of reporters)
      for (const reference of secretsIn(options)) noPlace(place, `reporter "${name}": secret "${reference.name}"`);
  for (const builder of builders) {
    check(
      builder.env,
      builder,
      { what: `the environment of builder "${builder.name}"`, place: builder.place },
      secrets,
    );
    for (const { name, options, place } of builder.factory.steps)
      check(options, builder, { what: `step "${name}" of builder "${builder.name}"`, place }, secrets);
  }
}

function check(
  value: unknown,
  builder: BuilderDeclaration,
  { what, place }: { readonly what: string; readonly place: Place | null },
  secrets: SecretsOptions | null,
): void {
  for (const { name } of secretsIn(value).filter((reference) => isSecretName(reference.name))) {
    const who = `${what}: secret "${name}"`;
    if (secrets === null) noPlace(place, who);
    else if (!secrets.allow.some((rule) => couldFit(rule, { secret: name, builder: builder.name })))
      reportProblem(place, `${who} is given by no rule of site({ secrets: { allow } }) to this builder`);
  }
}

function noPlace(place: Place | null, who: string): void {
  reportProblem(place, `${who} comes from nowhere; say in site({ secrets }) where secrets are kept`);
}
