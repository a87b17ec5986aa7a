import type { LockAccess } from '../config/locks.ts';
import { render } from '../properties/references.ts';
import { locksOf } from '../steps/kind.ts';
import type { StepDeclaration, StepEnd, StepRun } from '../steps/step.ts';
import { type RunFacts, stepRun } from './run-context.ts';

/** How a step ends of which the site's code has failed. */
export function endOfFailure(error: unknown): StepEnd {
  const text = error instanceof Error && error.stack !== undefined ? error.stack : String(error);
  return { result: 'EXCEPTION', summary: error instanceof Error ? error.message : String(error), text };
}

/** The locks of a step that is to be run. */
export function wantedLocks(step: StepDeclaration, run: StepRun): readonly LockAccess[] | 'notWanted' {
  return isWanted(step, run) ? locksOf(step, run) : 'notWanted';
}

function isWanted(step: StepDeclaration, run: StepRun): boolean {
  const wanted = typeof step.doStepIf === 'function' ? step.doStepIf(run) : render(step.doStepIf, run);
  if (typeof wanted === 'boolean') return wanted;
  throw new Error(`doStepIf gave ${JSON.stringify(wanted)}; it must give yes or no`);
}

/** Whether a step that ends is not shown, and the text of its log with what the site's code has failed with. */
export function hiddenBy(
  step: StepDeclaration | null,
  factsOf: () => RunFacts,
  { result, text = '' }: StepEnd,
): { readonly hidden: boolean; readonly text: string } {
  const hide = step?.hideStepIf ?? false;
  if (typeof hide === 'boolean') return { hidden: hide, text };
  const facts = factsOf();
  try {
    return { hidden: hide(result, stepRun(facts)), text };
  } catch (error) {
    // A step is rather shown than its result changed by a mistake in how it is shown.
    return { hidden: false, text: `${text}\nhideStepIf failed: ${String(error)}` };
  }
}
