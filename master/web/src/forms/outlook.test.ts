import type { RequestOutlook } from '@icefall/shared';
import { expect, test } from 'vitest';
import { outlookWords, sourceWords } from './outlook.ts';

const NOW = 1_764_000_000_000;
const outlook: RequestOutlook = { builder: 'publish', blocker: null, ahead: 0, takesIn: [], locks: [] };
const stamp = { codebase: '', repository: 'tools.git', branch: 'main', revision: null, project: '' };

test('a build that nothing holds up starts at once', () => {
  expect(outlookWords(outlook, NOW)).toEqual(['starts at once']);
});

test('everything that it waits for is named, with who holds it and since when', () => {
  const holder = {
    ...{ buildId: 3, builder: 'linux', buildNumber: 7, stepNumber: 1, stepName: 'build' },
    ...{ mode: 'counting' as const, count: 1, since: NOW - 180_000 },
  };
  const words = outlookWords(
    {
      ...outlook,
      blocker: { kind: 'workersBusy', workers: ['w1'] },
      ahead: 1,
      takesIn: [12, 13],
      locks: [{ lock: 'tree', mode: 'exclusive', step: 'publish', holders: [holder], waiting: 2 }],
    },
    NOW,
  );
  expect(words).toEqual([
    'takes waiting request 12, 13 into itself: they are built together and share the result',
    '1 request goes before it',
    'waits for a free slot on w1',
    'step publish waits for lock tree (exclusive), held by linux #7 (build) for 3 m, 2 in line before it',
  ]);
});

test('the source is told by its branch and revision, several by their codebases', () => {
  expect(sourceWords([stamp])).toBe('main, its newest revision');
  expect(sourceWords([{ ...stamp, branch: null, revision: 'a'.repeat(40) }])).toBe(
    'the default branch, revision aaaaaaaaaaaa',
  );
  expect(sourceWords([stamp, { ...stamp, codebase: 'docs', branch: 'next' }])).toBe(
    'main, its newest revision; docs: next, its newest revision',
  );
  expect(sourceWords([])).toBe('no source');
});
