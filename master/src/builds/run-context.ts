import type { Properties } from '@icefall/shared';
import type { BuilderDeclaration } from '../config/builders.ts';
import { fromColumn } from '../db/rows.ts';
import { type RenderContext, RenderError, render } from '../properties/references.ts';
import type { StepRun } from '../steps/kind.ts';
import type { BuildRow, BuildRows, StepRow } from './rows.ts';

/**
 * What a step's functions and references see of its build. Throws RenderError for the builder's environment.
 *
 * `fence` is the number of the newest grant of a lock that the build or the step holds, seen as property `lock_fence`:
 * whoever is given it can refuse what comes with a lower one than it has seen, from a holder that has lost its lock. It
 * is not a property of the build, since it is another one for every step.
 */
export function stepRun(
  rows: BuildRows,
  build: BuildRow,
  step: Pick<StepRow, 'number' | 'name'>,
  builder: BuilderDeclaration,
  fence: number | null = null,
): StepRun {
  const properties = fromColumn<Properties>(build.properties);
  const context: RenderContext = {
    properties: fence === null ? properties : { ...properties, lock_fence: { value: fence, source: 'Locks' } },
    sourceStamps: rows.sourceStamps(build.buildset_id),
    builder: build.builder,
    worker: build.worker,
    buildNumber: build.number,
    resultSoFar: build.result_so_far,
  };
  return {
    ...context,
    buildId: build.id,
    stepNumber: step.number,
    stepName: step.name,
    env: environment(builder, context),
  };
}

function environment(builder: BuilderDeclaration, context: RenderContext): Record<string, string | null> {
  return Object.fromEntries(
    Object.entries(builder.env).map(([name, value]) => {
      const rendered = render(value, context);
      if (typeof rendered === 'string' || rendered === null) return [name, rendered];
      if (typeof rendered === 'number' || typeof rendered === 'boolean') return [name, String(rendered)];
      throw new RenderError(
        `the environment of builder "${builder.name}": ${name} is ${JSON.stringify(rendered)}; it must be text or null`,
      );
    }),
  );
}
