import type { LockAccess } from '../config/locks.ts';
import type { StepDeclaration } from './step.ts';

/**
 * Steps that hold locks together: the first one takes them (beside its own, all at once), and they are given back when
 * the last one has ended, whatever its result, or the build. Where the first is skipped none of them holds the locks.
 */
export function holdTogether(locks: readonly LockAccess[], steps: readonly StepDeclaration[]): StepDeclaration[] {
  const [first, ...rest] = steps;
  const last = rest.at(-1);
  if (first === undefined || last === undefined || locks.length === 0) return [...steps];
  const own = first.locks;
  const all: StepDeclaration['locks'] =
    typeof own === 'function' ? (run) => [...own(run), ...locks] : [...own, ...locks];
  return [Object.freeze({ ...first, locks: all, locksUntil: last }), ...rest];
}
