import type { Build, BuildHead, Step } from '@icefall/shared';
import { type Collection, collection } from './collection.ts';

export interface BuildStore extends Collection<number, Build> {
  putHead(head: BuildHead): void;
  putStep(step: Step): void;
}

/** Builds whose steps came before themselves: as many resources as the master tells one by one after an absence. */
const MOST_EARLY = 2000;

/** Builds with their steps, which come in events of their own. */
export function buildStore(): BuildStore {
  const early = new Map<number, Step[]>();
  const builds = collection<number, Build>((build) => build.id);
  return {
    ...builds,
    putHead(head) {
      builds.put({ ...head, steps: builds.peek(head.id)?.steps ?? early.get(head.id) ?? [] });
      early.delete(head.id);
    },
    putStep(step) {
      const build = builds.peek(step.buildId);
      if (build !== undefined) builds.put({ ...build, steps: withStep(build.steps, step) });
      else {
        const steps = withStep(early.get(step.buildId) ?? [], step);
        const [oldest] = early.keys();
        if (early.size >= MOST_EARLY && !early.has(step.buildId) && oldest !== undefined) early.delete(oldest);
        early.set(step.buildId, steps);
      }
    },
  };
}

/** Steps in their order, with this one put in. */
function withStep(steps: readonly Step[], step: Step): Step[] {
  const next = steps.filter((other) => other.number !== step.number);
  next.push(step);
  return next.sort((a, b) => a.number - b.number);
}
