import type { Result } from '@icefall/shared';
import type { BuildRow } from './rows.ts';

/** Longest time between two attempts of a request. */
export const LONGEST_BACK_OFF_MS = 60 * 60_000;
/** For a builder that has left the configuration. */
const NO_RETRY = { maxAttempts: 1, backOffMs: 0 };

export interface Attempt {
  readonly result: Result;
  /** Time until the next attempt; null: there is none, the request ends with this build. */
  readonly backOffMs: number | null;
  /** Why there is none, where one might be expected. */
  readonly summary: string;
}

/**
 * How a build ends, and whether its request gets another attempt. Only RETRY is repeated: with a bound, with a back-off
 * that doubles, and never after a step that must not be started twice has begun.
 */
export function retryOf(
  build: Pick<BuildRow, 'result_so_far' | 'stop_reason' | 'attempt' | 'once'>,
  retry: { readonly maxAttempts: number; readonly backOffMs: number } | null,
): Attempt {
  if (build.stop_reason !== null) return { result: 'CANCELLED', backOffMs: null, summary: '' };
  if (build.result_so_far !== 'RETRY') return { result: build.result_so_far, backOffMs: null, summary: '' };
  if (build.once === 1)
    return {
      result: 'EXCEPTION',
      backOffMs: null,
      summary: 'not retried: a step that is never started twice had begun',
    };
  const { maxAttempts, backOffMs } = retry ?? NO_RETRY;
  if (build.attempt >= maxAttempts)
    return { result: 'EXCEPTION', backOffMs: null, summary: `given up after ${build.attempt} attempts` };
  return {
    result: 'RETRY',
    backOffMs: Math.min(LONGEST_BACK_OFF_MS, backOffMs * 2 ** (build.attempt - 1)),
    summary: '',
  };
}
