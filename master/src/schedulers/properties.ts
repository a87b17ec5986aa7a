import type { Change, Properties, SourceStamp } from '@icefall/shared';
import { z } from 'zod';
import type { SchedulerDeclaration } from '../config/schedulers.ts';
import { RenderError, render } from '../properties/references.ts';
import { propertiesFrom } from '../requests/buildsets.ts';

/** The properties that changes bring; of two changes with the same property the newer one's wins. */
export function propertiesOfChanges(changes: readonly Change[]): Properties {
  const oldestFirst = [...changes].sort((a, b) => a.id - b.id);
  return Object.assign({}, ...oldestFirst.map((change) => change.properties));
}

export interface PropertyContext {
  /** The site's, weakest of all: references may look at them, but the buildset does not carry them. */
  readonly site: Properties;
  /** Of the changes, and of the trigger or the form: they win over the scheduler's. */
  readonly later: Properties;
  readonly sourceStamps: readonly SourceStamp[];
}

/**
 * The properties of a buildset: the scheduler's, then those of its changes, then those of the trigger or the form; later
 * ones win. References in the scheduler's are evaluated here: they see the site's properties, those that win over the
 * scheduler's, and the source stamps. There is no builder, worker or build yet: these are empty, the number 0.
 * Throws a RenderError that names the property.
 */
export function buildsetProperties(declaration: SchedulerDeclaration, context: PropertyContext): Properties {
  const seen = {
    properties: { ...context.site, ...context.later },
    sourceStamps: context.sourceStamps,
    builder: '',
    worker: '',
    buildNumber: 0,
    resultSoFar: 'SUCCESS' as const,
  };
  const own = Object.entries(declaration.properties).map(([name, value]) => {
    const rendered = z.json().safeParse(named(name, () => render(value, seen)));
    if (rendered.success) return [name, rendered.data] as const;
    throw new RenderError(`property "${name}": the value it was computed to is not JSON`);
  });
  return { ...propertiesFrom(`Scheduler: ${declaration.name}`, Object.fromEntries(own)), ...context.later };
}

function named(property: string, evaluate: () => unknown): unknown {
  try {
    return evaluate();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new RenderError(`property "${property}": ${why}`, { cause: error });
  }
}
