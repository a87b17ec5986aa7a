import type { Random } from './clock.ts';

interface BackoffLimits {
  readonly firstMs: number;
  readonly longestMs: number;
}

/**
 * Delay before try number `failures + 1`: doubles from `firstMs` to `longestMs`, with half of it left to chance, so
 * that the workers of a master that comes back don't all knock at once.
 */
export function backoffDelay(failures: number, limits: BackoffLimits, random: Random): number {
  // 2^40 times anything is beyond every limit, and stays a finite number.
  const full = Math.min(limits.longestMs, limits.firstMs * 2 ** Math.min(Math.max(0, failures - 1), 40));
  return Math.round(full / 2 + (full / 2) * random());
}
