import type { BuilderDeclaration } from '../config/builders.ts';
import { type Place, reportProblem } from '../config/problems.ts';
import type { SiteDeclaration } from '../config/site.ts';
import type { SecretsOptions } from './declaration.ts';
import { couldFit } from './policy.ts';
import { isSecretName, secretsIn } from './reference.ts';

/** Reports builders and steps that no configuration of secrets can serve: there is none, or no rule for the builder. */
export function checkSecrets({ builders, secrets }: Pick<SiteDeclaration, 'builders' | 'secrets'>): void {
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
    if (secrets === null)
      reportProblem(place, `${who} comes from nowhere; say in site({ secrets }) where secrets are kept`);
    else if (!secrets.allow.some((rule) => couldFit(rule, { secret: name, builder: builder.name })))
      reportProblem(place, `${who} is given by no rule of site({ secrets: { allow } }) to this builder`);
  }
}
