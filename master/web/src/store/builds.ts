import type { Build, BuildHead, Step } from '@icefall/shared';
import { type Collection, collection } from './collection.ts';

/** Finished builds that a page keeps by itself; those that somebody scrolled back to are added to the bound. */
export const KEPT_BUILDS = 3000;

export interface BuildStore extends Collection<number, Build> {
  putHead(head: BuildHead): void;
  putStep(step: Step): void;
  /** Forgets the oldest finished builds above `bound`. */
  trim(bound: number): void;
}

/** Builds whose steps came before themselves; more than one transaction starts. */
const MOST_EARLY = 200;

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
      else if (early.size < MOST_EARLY || early.has(step.buildId))
        early.set(step.buildId, withStep(early.get(step.buildId) ?? [], step));
      else early.clear();
    },
    trim(bound) {
      const all = builds.all.peek();
      if (all.length <= bound) return;
      const finished = all.filter((build) => build.finishedAt !== null).sort((a, b) => a.id - b.id);
      for (const build of finished.slice(0, all.length - bound)) builds.remove(build.id);
    },
  };
}

/** Steps in their order, with this one put in. */
function withStep(steps: readonly Step[], step: Step): Step[] {
  const next = steps.filter((other) => other.number !== step.number);
  next.push(step);
  return next.sort((a, b) => a.number - b.number);
}
