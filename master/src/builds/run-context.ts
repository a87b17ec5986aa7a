import type { Properties } from '@icefall/shared';
import type { BuilderDeclaration } from '../config/builders.ts';
import { fromColumn } from '../db/rows.ts';
import { type RenderContext, RenderError, render } from '../properties/references.ts';
import { isSecret } from '../secrets/reference.ts';
import type { StepRun } from '../steps/step.ts';
import type { BuildRow, BuildRows, StepRow } from './rows.ts';

/** What is on record of a step and its build, for {@link stepRun}. */
export interface RunFacts extends Omit<StepRun, 'env'> {
  readonly declaration: BuilderDeclaration;
}

/**
 * Reads what a step's functions and references may see of its build.
 *
 * `fence` is the number of the newest grant of a lock that the build or the step holds, seen as property `lock_fence`:
 * whoever is given it can refuse what comes with a lower one than it has seen, from a holder that has lost its lock. It
 * is not a property of the build, since it is another one for every step.
 */
export function runFacts(
  rows: BuildRows,
  build: BuildRow,
  step: Pick<StepRow, 'number' | 'name'>,
  declaration: BuilderDeclaration,
  fence: number | null = null,
): RunFacts {
  const properties = fromColumn<Properties>(build.properties);
  return {
    declaration,
    properties: fence === null ? properties : { ...properties, lock_fence: { value: fence, source: 'Locks' } },
    sourceStamps: rows.sourceStamps(build.buildset_id),
    builder: build.builder,
    worker: build.worker,
    buildNumber: build.number,
    resultSoFar: build.result_so_far,
    buildId: build.id,
    stepNumber: step.number,
    stepName: step.name,
  };
}

/**
 * What a step's functions and references see: the facts, and the builder's environment made of them. The site's own code:
 * references may be functions, which throw anything. Throws RenderError for an environment that is none.
 */
export function stepRun({ declaration, ...facts }: RunFacts): StepRun {
  return { ...facts, env: environment(declaration, facts) };
}

function environment(builder: BuilderDeclaration, context: RenderContext): StepRun['env'] {
  return Object.fromEntries(
    Object.entries(builder.env).map(([name, value]) => {
      if (isSecret(value)) return [name, value];
      const rendered = render(value, context);
      if (typeof rendered === 'string' || rendered === null) return [name, rendered];
      if (typeof rendered === 'number' || typeof rendered === 'boolean') return [name, String(rendered)];
      throw new RenderError(
        `the environment of builder "${builder.name}": ${name} is ${JSON.stringify(rendered)}; it must be text or null`,
      );
    }),
  );
}
