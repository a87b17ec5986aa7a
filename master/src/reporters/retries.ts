import { formatDuration } from '@icefall/shared';
import type { DeliveryError } from './transport.ts';

/** First pause after a failure; it doubles with each that follows. */
const FIRST_PAUSE_MS = 2000;
/** A server that is back is noticed within this time; one that is not is asked a hundred times a day. */
export const MOST_PAUSE_MS = 15 * 60_000;
/** Tries of one report that the server answers: some two hours, then those behind it have their turn. */
export const MOST_TRIES = 15;
/** While nothing gets through at all: a weekend, and somebody to see the alarm after it. */
export const LONGEST_WAIT_MS = 3 * 24 * 60 * 60_000;

/** What is known of a report that has just failed. */
export interface Failed {
  readonly code: DeliveryError['code'];
  readonly message: string;
  /** Of this report, the one that has just failed among them. */
  readonly tries: number;
  readonly waitedMs: number;
  /** Failures of its reporter since anything was delivered. */
  readonly failuresInRow: number;
  /** In [0, 1). */
  readonly chance: number;
}

/** What becomes of it: given up for good, with the reason, or tried again after a pause. */
export type Decision = { readonly givenUp: string } | { readonly pauseMs: number };

/**
 * | what happened | given up                                        |
 * | ------------- | ----------------------------------------------- |
 * | `refused`     | at once                                         |
 * | `failed`      | after {@link MOST_TRIES} tries                  |
 * | `down`        | when it has waited for {@link LONGEST_WAIT_MS}  |
 */
export function decide({ code, message, tries, waitedMs, failuresInRow, chance }: Failed): Decision {
  if (code === 'refused') return { givenUp: `refused: ${message}` };
  const isOver = code === 'failed' ? tries >= MOST_TRIES : waitedMs >= LONGEST_WAIT_MS;
  const times = tries === 1 ? 'one try' : `${tries} tries`;
  if (isOver) return { givenUp: `given up after ${times} in ${formatDuration(waitedMs)}: ${message}` };
  const pauseMs = Math.min(MOST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(failuresInRow - 1, 20));
  // Between half of it and all: reporters of one server do not come back at the same moment.
  return { pauseMs: Math.round(pauseMs * (0.5 + chance / 2)) };
}
