import type { Result } from '@icefall/shared';
import type { DependentScheduler } from '../config/schedulers.ts';

/**
 * Whether a dependent scheduler follows a buildset that has ended. The result is the requests' real one: one that was
 * taken in by another has that one's.
 */
export function follows(
  declaration: DependentScheduler,
  ended: { readonly scheduler: string; readonly result: Result },
): boolean {
  if (declaration.upstream.name !== ended.scheduler) return false;
  return ended.result === 'SUCCESS' || ended.result === 'WARNINGS';
}
