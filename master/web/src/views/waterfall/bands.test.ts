import { makeBuild, makeStep } from '@icefall/shared/testing/resources';
import { expect, test } from 'vitest';
import { bandsOf, legibleHeight, STEP_HEIGHT, TITLE_HEIGHT } from './bands.ts';

const MINUTE = 60_000;
const git = makeStep({ name: 'git', finishedAt: MINUTE });
const compile = makeStep({
  name: 'build',
  number: 1,
  startedAt: MINUTE,
  locksAcquiredAt: 5 * MINUTE,
  finishedAt: 9 * MINUTE,
});
const build = makeBuild({ steps: [git, compile], finishedAt: 9 * MINUTE });

test('steps fill the block from below, the newest on top', () => {
  const [first, second] = bandsOf(build, 118, 0);
  expect(first?.step.name).toBe('git');
  expect((first?.top ?? 0) + (first?.height ?? 0)).toBeCloseTo(118);
  expect((second?.top ?? 0) + (second?.height ?? 0)).toBeCloseTo(first?.top ?? 0);
  expect(second?.top).toBeCloseTo(TITLE_HEIGHT);
});

test('every step has a line, however short it was', () => {
  for (const band of bandsOf(build, legibleHeight(build), 0)) {
    expect(band.labelled).toBe(true);
    expect(band.height).toBeGreaterThanOrEqual(STEP_HEIGHT);
  }
});

test('a block without room for lines shows bars in proportion', () => {
  const bands = bandsOf(build, 20, 0);
  expect(bands.every((band) => !band.labelled)).toBe(true);
  expect(bands[1]?.height).toBeGreaterThan(bands[0]?.height ?? 0);
});

test('the time that a step waited for its locks is told apart', () => {
  const [, second] = bandsOf(build, 118, 0);
  expect((second?.waited ?? 0) / (second?.height ?? 1)).toBeCloseTo(0.5);
  const waiting = makeStep({
    state: 'waitingForLocks',
    result: null,
    startedAt: 0,
    locksAcquiredAt: null,
    finishedAt: null,
  });
  const [band] = bandsOf(makeBuild({ steps: [waiting] }), 50, MINUTE);
  expect(band?.waited).toBe(band?.height);
});

test('hidden steps and those not begun have no band', () => {
  const steps = [
    git,
    makeStep({ number: 1, hidden: true }),
    makeStep({ number: 2, startedAt: null, result: null, state: 'pending' }),
  ];
  expect(bandsOf(makeBuild({ steps }), 100, 0).map((band) => band.step.name)).toEqual(['git']);
});
