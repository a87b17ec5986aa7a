import { simulate } from '@icefall/master/simulation';
import { expect, test } from 'vitest';
import site from './small.ts';

test('two pushes in a row are one build, and a step that fails ends it', () => {
  using simulation = simulate(site, { durations: { build: '20m' }, fail: ['build'] });
  simulation
    .push({ branch: 'main', files: ['main.c'] })
    .push({ branch: 'main', files: ['main.h'] })
    .finish();
  const [build, ...others] = simulation.builds('project');
  expect(others).toEqual([]);
  expect(build?.result).toBe('FAILURE');
  expect(build?.steps.map(({ name, result }) => `${name}: ${result}`)).toEqual([
    'checkout: SUCCESS',
    'build: FAILURE',
    'test: SKIPPED',
  ]);
});
