import { expect, test } from 'vitest';
import { builder, factory, worker } from '../config/index.ts';
import { run, siteWith } from '../simulation/test-language.ts';
import { medianDurations } from './step-medians.ts';
import { buildOf, stepOf } from './testing/resources.ts';

test('the usual time of a step is the median of its work, of good ends only, without its wait for locks', () => {
  const w = worker({ name: 'w' });
  const site = siteWith({
    workers: [w],
    builders: [builder({ name: 'linux', workers: [w], factory: factory([run('make')]) })],
  });
  const took = (ms: number, parts: Partial<Parameters<typeof stepOf>[0]> = {}) =>
    buildOf({
      builder: 'linux',
      steps: [
        stepOf({
          ...{
            name: 'make',
            kind: 'shell',
            result: 'SUCCESS',
            startedAt: 0,
            locksAcquiredAt: 500,
            finishedAt: 500 + ms,
          },
          ...parts,
        }),
      ],
    });
  const builds = [took(100), took(300), took(200), took(9000, { result: 'FAILURE' }), took(7, { name: 'gone' })];
  expect(medianDurations(builds, site)).toEqual({ 'linux/make': 200 });
});
