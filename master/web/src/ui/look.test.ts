import { makeBuild, makeStep } from '@icefall/shared/testing/resources';
import { expect, test } from 'vitest';
import { GLYPHS, lookOfBuild, shownSteps } from './look.ts';

test('every look has a sign of its own', () => {
  const signs = Object.values(GLYPHS);
  expect(new Set(signs).size).toBe(signs.length);
});

test('a build that waits for a lock or for its worker does not look as if it ran', () => {
  const running = { result: null, state: 'running', finishedAt: null } as const;
  expect(lookOfBuild(makeBuild(running))).toBe('RUNNING');
  expect(lookOfBuild(makeBuild({ ...running, graceUntil: 5 }))).toBe('WAITING');
  expect(lookOfBuild(makeBuild({ ...running, steps: [makeStep({ state: 'waitingForLocks', result: null })] }))).toBe(
    'WAITING',
  );
});

test('a hidden step is shown while it runs and when it failed', () => {
  const hidden = (step: Parameters<typeof makeStep>[0]) => shownSteps([makeStep({ hidden: true, ...step })]).length;
  expect(hidden({ result: 'SKIPPED' })).toBe(0);
  expect(hidden({ result: null, state: 'running' })).toBe(1);
  expect(hidden({ result: 'FAILURE' })).toBe(1);
});
