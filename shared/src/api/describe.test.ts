import { expect, test } from 'vitest';
import { describeBlocker } from './describe.ts';

test('who waits for busy or paused workers is told of the others of its builder, too; of many, how many', () => {
  expect(describeBlocker({ kind: 'workersBusy', workers: ['a', 'b'] })).toBe('waits for a free slot on a, b');
  expect(describeBlocker({ kind: 'workersBusy', workers: ['a'], offline: ['b'], paused: ['c', 'd'] })).toBe(
    'waits for a free slot on a (c, d paused; b not connected)',
  );
  const offline = Array.from({ length: 9 }, (_, i) => `w${i}`);
  expect(describeBlocker({ kind: 'workersPaused', workers: ['a'], offline })).toBe(
    'waits for a worker: a paused; w0, w1, w2, w3, w4 and 4 more not connected',
  );
  expect(describeBlocker({ kind: 'workersBusy', workers: offline })).toBe(
    'waits for a free slot on w0, w1, w2, w3, w4 and 4 more',
  );
  const workers = offline.map((name) => ({ name, lastSeenAt: null }));
  expect(describeBlocker({ kind: 'workersOffline', workers })).toBe(
    'waits for a worker: w0, w1, w2, w3, w4 and 4 more not connected',
  );
});

test('a request that was taken in tells by which', () => {
  expect(describeBlocker({ kind: 'takenIn', requestId: 73 })).toBe('taken in by request 73, and ends with it');
});
