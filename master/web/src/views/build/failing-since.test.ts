import type { Result } from '@icefall/shared';
import { makeBuild } from '@icefall/shared/testing/resources';
import { expect, test } from 'vitest';
import { failingSince } from './failing-since.ts';

const builds = (...results: (Result | null)[]) =>
  results.map((result, i) => makeBuild({ id: 90 - i, number: 9 - i, result }));
const failed = makeBuild({ id: 100, number: 10, result: 'FAILURE' });

test('a builder fails since the build after the last good one', () => {
  const since = failingSince(failed, builds('FAILURE', 'EXCEPTION', 'WARNINGS', 'FAILURE'));
  expect([since?.first.number, since?.failures, since?.good?.number]).toEqual([8, 3, 7]);
});

test('builds that were cancelled, retried, skipped or still run say nothing', () => {
  const since = failingSince(failed, builds('CANCELLED', null, 'FAILURE', 'RETRY', 'SKIPPED', 'SUCCESS'));
  expect([since?.first.number, since?.failures, since?.good?.number]).toEqual([7, 2, 4]);
});

test('a build is the first to fail after a good one, and without one nothing good is known', () => {
  expect(failingSince(failed, builds('SUCCESS'))).toMatchObject({ first: failed, failures: 1, good: { number: 9 } });
  expect(failingSince(failed, builds('FAILURE'))).toMatchObject({ first: { number: 9 }, good: null });
  expect(failingSince(makeBuild({ result: 'SUCCESS' }), builds('FAILURE'))).toBeNull();
});
