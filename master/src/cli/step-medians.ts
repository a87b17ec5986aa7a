import type { Build } from '@icefall/shared';
import type { SiteDeclaration } from '../config/site.ts';

/** The median time of work by `builder/step`, milliseconds, of steps that went well and that the site still has. */
export function medianDurations(builds: readonly Build[], site: SiteDeclaration): Record<string, number> {
  const times = new Map<string, number[]>();
  for (const build of builds)
    for (const { name, result, locksAcquiredAt, finishedAt, kind } of build.steps) {
      const isGood = result === 'SUCCESS' || result === 'WARNINGS';
      if (!isGood || kind === 'trigger' || locksAcquiredAt === null || finishedAt === null) continue;
      const key = `${build.builder}/${name}`;
      times.set(key, [...(times.get(key) ?? []), finishedAt - locksAcquiredAt]);
    }
  const steps = new Set(
    site.builders.flatMap(({ name, factory }) => factory.steps.map((step) => `${name}/${step.name}`)),
  );
  const medians = [...times].filter(([key]) => steps.has(key)).map(([key, list]) => [key, medianOf(list)]);
  return Object.fromEntries(medians);
}

function medianOf(list: readonly number[]): number {
  return list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)] ?? 0;
}
