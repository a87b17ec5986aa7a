import type { Build, Step } from '@icefall/shared';
import { shownSteps } from '../../ui/look.ts';

/** A step inside its build's block. Offsets are from the block's top, pixels. */
export interface Band {
  readonly step: Step;
  readonly top: number;
  readonly height: number;
  /** Height at the band's lower end during which the step waited for its locks. */
  readonly waited: number;
  /** Whether there is room for its name. */
  readonly labelled: boolean;
}

/** Room for the number and duration of a build. */
export const TITLE_HEIGHT = 18;
/** Room for one line of a step. */
export const STEP_HEIGHT = 15;
/** Heights come out of sums of fractions: a line may lack this much, pixels. */
const ROUNDING = 1;
/** Steps that a block makes room for, however short it was; more share what there is. */
const STEPS_WITH_ROOM = 5;

/** Least height in which a build's steps can be read. */
export function legibleHeight(build: Pick<Build, 'steps'>): number {
  return TITLE_HEIGHT + STEP_HEIGHT * Math.min(STEPS_WITH_ROOM, shownSteps(build.steps).filter(begun).length);
}

function begun(step: Step): boolean {
  return step.startedAt !== null;
}

/**
 * Bands of a build's steps, newest on top. Each gets a line where the block has the room, what is left is shared out by
 * run time: order and names first, proportion second. Blocks too low for lines get bars in proportion, without names.
 */
export function bandsOf(build: Build, height: number, now: number): Band[] {
  const steps = shownSteps(build.steps).filter(begun);
  if (steps.length === 0) return [];
  const lengths = steps.map((step) => Math.max(0, (step.finishedAt ?? now) - (step.startedAt ?? now)));
  const room = height - TITLE_HEIGHT;
  const labelled = room >= steps.length * STEP_HEIGHT - ROUNDING;
  const [top, area, least] = labelled
    ? [TITLE_HEIGHT, room, Math.min(STEP_HEIGHT, room / steps.length)]
    : [0, height, Math.min(3, height / steps.length)];
  const total = lengths.reduce((sum, length) => sum + length, 0);
  const free = Math.max(0, area - least * steps.length);
  const heights = lengths.map((length) => least + (total === 0 ? free / steps.length : (free * length) / total));
  const bands: Band[] = [];
  let bottom = top + area;
  for (const [i, step] of steps.entries()) {
    const own = heights[i] ?? 0;
    bottom -= own;
    bands.push({ step, top: bottom, height: own, waited: own * waitedShare(step, now), labelled });
  }
  return bands;
}

function waitedShare(step: Step, now: number): number {
  if (step.startedAt === null) return 0;
  const end = step.finishedAt ?? now;
  const granted = Math.min(end, step.locksAcquiredAt ?? end);
  return end <= step.startedAt ? 0 : (granted - step.startedAt) / (end - step.startedAt);
}
