import { afterEach, beforeEach, expect, test } from 'vitest';
import { type FakeApi, fakeApi } from '../testing/fake-api.ts';
import { runAgainst } from '../testing/icefall.ts';
import { buildOf } from '../testing/resources.ts';

let api: FakeApi;
beforeEach(async () => {
  api = await fakeApi();
});
afterEach(() => api.close());
const icefall = (...args: readonly string[]) => runAgainst(api, args);

const lock = { name: 'tree', scope: 'master', worker: null, maxCount: 3, holders: [], waiters: [] };
const waiter = { position: 1, buildId: null, requestId: 4, builder: 'docs', buildNumber: null, stepNumber: null };

test('locks tells which one is waited for too long', async () => {
  const late = { ...waiter, stepName: null, mode: 'exclusive', count: 1, since: 0 };
  const locks = [
    { ...lock, waiters: [late], alarm: { waiter: late, since: 1 } },
    { ...lock, name: 'disk' },
  ];
  api.replies['GET /locks'] = { json: { locks } };
  const { out } = await icefall('locks');
  expect(out).toMatch(/tree \(waited for too long\).*docs/);
  expect(out).toMatch(/^disk +0\/3/m);
});

test('locks release names the step that holds it, and says what comes of it', async () => {
  api.replies['GET /builders/b/builds/4'] = { json: buildOf() };
  api.replies['POST /locks/tree/release'] = { json: {} };
  const { code, out } = await icefall('locks', 'release', 'tree', 'b/4.make', '--reason', 'machine burnt', '--force');
  expect([code, out]).toEqual([0, 'lock tree is taken from build b/4, which is told to stop\n']);
});

test('locks release needs a reason', async () => {
  expect((await icefall('locks', 'release', 'tree', 'b/4')).err).toContain('--reason');
});
