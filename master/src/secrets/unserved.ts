import type { BuilderDeclaration } from '../config/builders.ts';
import { type Place, reportProblem } from '../config/problems.ts';
import type { SiteDeclaration } from '../config/site.ts';
import type { SecretsOptions } from './declaration.ts';
import { couldFit } from './policy.ts';
import { isSecretName, secretsIn } from './reference.ts';

/** Reports steps that no configuration of secrets can serve: there is none, or no rule for their builder. */
export function checkSecrets({ builders, secrets }: Pick<SiteDeclaration, 'builders' | 'secrets'>): void {
  for (const builder of builders)
    for (const step of builder.factory.steps)
      for (const { name } of secretsIn(step.options)) if (isSecretName(name)) check(name, builder, step, secrets);
}

function check(
  name: string,
  builder: BuilderDeclaration,
  step: { readonly name: string; readonly place: Place | null },
  secrets: SecretsOptions | null,
): void {
  const who = `step "${step.name}" of builder "${builder.name}": secret "${name}"`;
  if (secrets === null)
    reportProblem(step.place, `${who} comes from nowhere; say in site({ secrets }) where secrets are kept`);
  else if (!secrets.allow.some((rule) => couldFit(rule, { secret: name, builder: builder.name })))
    reportProblem(step.place, `${who} is given by no rule of site({ secrets: { allow } }) to this builder`);
}
