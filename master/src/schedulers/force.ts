import { type ForceForm, type ForceRequest, type FormField, namedShortly } from '@icefall/shared';
import type { Validation } from '../changes/validation.ts';
import type { ForceScheduler } from '../config/schedulers.ts';
import { propertiesFrom } from '../requests/buildsets.ts';
import { FormError } from './errors.ts';
import { fillForm } from './form.ts';
import { completeStamps } from './stamps.ts';
import type { Start } from './starts.ts';

/** Builders that a refusal names; the others are counted. */
const MOST_NAMED = 20;

/** The form as the page shows it. */
export function formOf(declaration: ForceScheduler): ForceForm {
  const { label, button } = declaration;
  return { label, button, fields: fieldsOf(declaration) };
}

function fieldsOf(declaration: ForceScheduler): FormField[] {
  return declaration.fields.map(({ field }) => field);
}

/**
 * What a person's filled-in form starts. Besides the form's parameters the properties `reason` and `owner` are set; the
 * owner is who is logged in (`who`), or, where nobody is, the name given. Throws {@link FormError} with all mistakes.
 */
export function startOfForm(
  declaration: ForceScheduler,
  request: ForceRequest,
  who: string | null,
  validation: Validation,
): Start {
  const { codebases } = declaration;
  const filled = fillForm(fieldsOf(declaration), request.values, { validation, codebases });
  const builders = declaration.builders.map((builder) => builder.name);
  const unknown = request.builders?.filter((name) => !builders.includes(name)) ?? [];
  const errors: Record<string, string> = { ...filled.errors };
  if (unknown.length > 0)
    errors.builders = `${unknown.join(', ')}: this form starts only ${namedShortly(builders, MOST_NAMED)}`;
  if (request.builders?.length === 0) errors.builders = 'must name at least one builder';
  if (Object.keys(errors).length > 0) throw new FormError(errors);
  const reason = isGiven(request.reason) ? request.reason : declaration.reason;
  const owner = who ?? (isGiven(request.owner) ? request.owner : null);
  return {
    builders: builders.filter((name) => request.builders?.includes(name) ?? true),
    reason,
    owner,
    priority: request.priority ?? declaration.priority,
    sourceStamps: completeStamps(filled.sourceStamps, codebases),
    properties: propertiesFrom(`Force: ${declaration.name}`, { ...filled.properties, reason, owner: owner ?? '' }),
  };
}

function isGiven(text: string | undefined): text is string {
  return text !== undefined && text.trim() !== '';
}
