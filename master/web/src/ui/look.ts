import type { Build, Result, Step } from '@icefall/shared';

/** What a build or step looks like: its result, or what it does while it has none. */
export type Look = Result | 'RUNNING' | 'WAITING' | 'PENDING';

/** A sign for each, so that colour is never the only one. From fonts that every system has, never an emoji. */
export const GLYPHS: Readonly<Record<Look, string>> = {
  SUCCESS: '✓',
  WARNINGS: '!',
  FAILURE: '✗',
  SKIPPED: '–',
  EXCEPTION: '‼',
  RETRY: '↻',
  CANCELLED: '⊘',
  RUNNING: '▸',
  WAITING: '◷',
  PENDING: '·',
};

export const WORDS: Readonly<Record<Look, string>> = {
  SUCCESS: 'success',
  WARNINGS: 'warnings',
  FAILURE: 'failure',
  SKIPPED: 'skipped',
  EXCEPTION: 'exception',
  RETRY: 'retry',
  CANCELLED: 'cancelled',
  RUNNING: 'running',
  WAITING: 'waiting',
  PENDING: 'pending',
};

/** A build waits while its step does: for triggered builds, a lock, or its worker. */
export function lookOfBuild(build: Pick<Build, 'result' | 'state' | 'steps' | 'graceUntil'>): Look {
  if (build.result !== null) return build.result;
  if (build.graceUntil !== null) return 'WAITING';
  return build.steps.some((step) => step.state === 'waitingForLocks') ? 'WAITING' : 'RUNNING';
}

export function lookOfStep(step: Pick<Step, 'result' | 'state'>): Look {
  if (step.result !== null) return step.result;
  if (step.state === 'running') return 'RUNNING';
  return step.state === 'waitingForLocks' ? 'WAITING' : 'PENDING';
}

/** Whether somebody should look at it. */
export function isProblem(result: Result | null): boolean {
  return result === 'FAILURE' || result === 'EXCEPTION';
}

/** Steps that are shown: hidden ones only while they are at work or went wrong. */
export function shownSteps(steps: readonly Step[]): Step[] {
  return steps.filter((step) => !step.hidden || step.state === 'running' || isProblem(step.result));
}
