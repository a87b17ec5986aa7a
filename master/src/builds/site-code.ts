import type { LockAccess } from '../config/locks.ts';
import { render } from '../properties/references.ts';
import { locksOf } from '../steps/kind.ts';
import type { StepDeclaration, StepEnd, StepRun } from '../steps/step.ts';

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
