import { type Result, worstResult } from '@icefall/shared';

/** A summary is read in a glance; the step's log has all of it. */
const MOST_LENGTH = 300;
/** Of a build's steps that are not green, the worst so many are told by name. */
const MOST_STEPS = 2;

/** A step's summary, cut where it is too long. */
export function shortened(summary: string): string {
  return summary.length <= MOST_LENGTH ? summary : `${summary.slice(0, MOST_LENGTH - 1)}…`;
}

interface EndedStep {
  readonly name: string;
  readonly result: Result | null;
  readonly summary: string;
}

/** A build in a line: the steps that are not green, the worst (which decided its result) first, and what else there is to say. */
export function buildSummary(steps: readonly EndedStep[], own: string): string {
  const bad = steps.filter(({ result }) => result !== null && worstResult('SUCCESS', result) !== 'SUCCESS');
  const worstFirst = bad.toSorted((a, b) => (isWorse(b.result, a.result) ? 1 : isWorse(a.result, b.result) ? -1 : 0));
  const told = worstFirst.slice(0, MOST_STEPS).map(({ name, summary }) => `${name}: ${summary}`);
  const others = bad.length - told.length;
  const rest = others === 0 ? '' : `${others} more ${others === 1 ? 'step' : 'steps'}`;
  return [...told, rest, own].filter((part) => part !== '').join('; ');
}

function isWorse(a: Result | null, b: Result | null): boolean {
  return a !== null && a !== b && worstResult(a, b ?? 'SKIPPED') === a;
}
