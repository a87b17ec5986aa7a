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

/** Builds with their steps, which come in events of their own. */
export function buildStore(): BuildStore {
  const builds = collection<number, Build>((build) => build.id);
  return {
    ...builds,
    putHead(head) {
      builds.put({ ...head, steps: builds.peek(head.id)?.steps ?? [] });
    },
    putStep(step) {
      const build = builds.peek(step.buildId);
      // A step of a build that was never shown: whoever opens its page asks for the whole of it.
      if (build === undefined) return;
      builds.put({ ...build, steps: withStep(build.steps, step) });
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
