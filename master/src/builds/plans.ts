import { createHash } from 'node:crypto';
import type { BuilderDeclaration } from '../config/builders.ts';
import type { Core } from '../engine/core.ts';
import type { SiteConfig } from '../engine/site-config.ts';
import type { StepAction, StepDeclaration } from '../steps/step.ts';
import type { BuildRow, BuildRows, StepRow } from './rows.ts';
import { runFacts, stepRun } from './run-context.ts';

/** The declarations that a build runs by: those of the configuration with which it began. */
export interface Plan {
  readonly builder: BuilderDeclaration;
  /** By step number; steps that were added are among them. */
  readonly steps: StepDeclaration[];
}

/** The configuration in force cannot continue a build that another one began. */
export class PlanError extends Error {
  readonly code = 'plan';
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'PlanError';
  }
}

/** Names of steps and their kinds: what must be the same for a build to go on under another load of the configuration. */
export function shapeOf(steps: readonly StepDeclaration[]): string {
  const text = JSON.stringify(steps.map((step) => [step.kind, step.name]));
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

/** Names of steps, made different where the site gave two the same: `shell`, `shell_1`. */
export function uniqueNames(steps: readonly StepDeclaration[], taken: readonly string[] = []): string[] {
  const used = new Set(taken);
  return steps.map(({ name }) => {
    let unique = name;
    for (let i = 1; used.has(unique); i += 1) unique = `${name}_${i}`;
    used.add(unique);
    return unique;
  });
}

/**
 * The plans of running builds. In memory only: after a restart a plan is made again from the configuration, if that has
 * the same steps, and steps that were added are asked for again with the properties they saw.
 */
export class Plans {
  readonly #config: SiteConfig;
  readonly #rows: BuildRows;
  readonly #plans = new Map<number, Plan>();

  constructor(core: Core, config: SiteConfig, rows: BuildRows) {
    this.#config = config;
    this.#rows = rows;
    core.rolledBack.on(() => this.#plans.clear());
  }

  begin(buildId: number, builder: BuilderDeclaration): Plan {
    const plan = { builder, steps: [...builder.factory.steps] };
    this.#plans.set(buildId, plan);
    return plan;
  }

  end(buildId: number): void {
    this.#plans.delete(buildId);
  }

  /** Throws {@link PlanError} where the configuration in force has no such builder or other steps. */
  of(build: BuildRow): Plan {
    const known = this.#plans.get(build.id);
    if (known !== undefined) return known;
    const builder = this.#config.builder(build.builder);
    if (builder === null)
      throw new PlanError(`builder "${build.builder}" is no longer in the configuration, so its build cannot go on`);
    if (shapeOf(builder.factory.steps) !== build.shape)
      throw new PlanError(`the steps of builder "${build.builder}" are others than those this build began with`);
    const plan = { builder, steps: [...builder.factory.steps] };
    this.#addAgain(plan, build);
    this.#plans.set(build.id, plan);
    return plan;
  }

  #addAgain(plan: Plan, build: BuildRow): void {
    const rows = this.#rows.steps(build.id);
    for (const row of rows) {
      const step = plan.steps[row.number];
      if (row.seen_properties === null || step === undefined) continue;
      const action = this.#askAgain(step, { ...build, properties: row.seen_properties }, row, plan.builder);
      if (action.do === 'finish') plan.steps.splice(row.number + 1, 0, ...(action.steps ?? []));
    }
    const isSame = rows.length === plan.steps.length && rows.every((row, i) => plan.steps[i]?.kind === row.kind);
    if (!isSame)
      throw new PlanError(
        `steps that were added to this build of "${build.builder}" are not the same when asked again`,
      );
  }

  #askAgain(step: StepDeclaration, build: BuildRow, row: StepRow, builder: BuilderDeclaration): StepAction {
    const facts = runFacts(this.#rows, build, row, builder);
    try {
      return step.prepare(stepRun(facts)).begin();
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new PlanError(
        `step "${row.name}" of this build of "${build.builder}" cannot be asked again for the steps that it added: ${why}`,
        { cause: error },
      );
    }
  }
}
