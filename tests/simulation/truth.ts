import type { Result } from '@icefall/shared';
import type { StepFacts } from './random-site.ts';

/**
 * The rules for results, written down again from their description (not from the engine's code), so that the one checks
 * the other: reference of results in `shared/src/results.ts`.
 */

const WORST_FIRST: readonly Result[] = ['CANCELLED', 'RETRY', 'EXCEPTION', 'FAILURE', 'WARNINGS', 'SUCCESS', 'SKIPPED'];

export function worst(results: readonly Result[]): Result {
  return WORST_FIRST.find((result) => results.includes(result)) ?? 'SUCCESS';
}

export interface EndedStep {
  readonly name: string;
  readonly result: Result;
  /** It was passed over because the build had been halted or stopped. */
  readonly passedOver: boolean;
}

/** What a step's result makes of a build that was fine so far. */
function effect(result: Result, facts: StepFacts): Result {
  if (result === 'FAILURE') return facts.flunkOnFailure ? 'FAILURE' : facts.warnOnFailure ? 'WARNINGS' : 'SUCCESS';
  if (result === 'WARNINGS') return facts.flunkOnWarnings ? 'FAILURE' : facts.warnOnWarnings ? 'WARNINGS' : 'SUCCESS';
  if (result === 'SKIPPED') return 'SUCCESS';
  return result;
}

function ends(result: Result, facts: StepFacts): boolean {
  return ['EXCEPTION', 'RETRY', 'CANCELLED'].includes(result) || (result === 'FAILURE' && facts.haltOnFailure);
}

/** The result of a build by its steps, before stops and attempts are looked at; and whether a step broke the rules. */
export function resultOfSteps(
  steps: readonly EndedStep[],
  factsOf: (name: string) => StepFacts,
): { readonly result: Result; readonly complaint: string | null } {
  const results: Result[] = ['SUCCESS'];
  let isOver = false;
  for (const step of steps) {
    const facts = factsOf(step.name);
    if (isOver && !facts.alwaysRun && !step.passedOver)
      return { result: worst(results), complaint: `step ${step.name} ran after the build was over` };
    if (!isOver && step.passedOver)
      return { result: worst(results), complaint: `step ${step.name} was passed over in a build that went on` };
    if (step.passedOver) continue;
    results.push(effect(step.result, facts));
    isOver ||= ends(step.result, facts);
  }
  return { result: worst(results), complaint: null };
}
