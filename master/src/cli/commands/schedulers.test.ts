import { afterEach, beforeEach, expect, test } from 'vitest';
import { type FakeApi, fakeApi } from '../testing/fake-api.ts';
import { runAgainst } from '../testing/icefall.ts';
import { buildsetOf, schedulerOf } from '../testing/resources.ts';

let api: FakeApi;
beforeEach(async () => {
  api = await fakeApi();
});
afterEach(() => api.close());
const icefall = (...args: readonly string[]) => runAgainst(api, args);

test('scheduler list tells when each started last and will next, who is off, and what went wrong', async () => {
  const clock = { kind: 'nightly', form: null, builders: ['a', 'b'] };
  const schedulers = [
    schedulerOf({ ...clock, name: 'nightly', lastAt: 940_000, nextAt: 1_060_000 }),
    schedulerOf({ ...clock, name: 'weekly', enabled: false, lastAt: null, nextAt: 1_060_000 }),
    schedulerOf({ ...clock, name: 'push', kind: 'singleBranch', lastAt: null, nextAt: null, lastError: 'where: no' }),
  ];
  api.replies['GET /schedulers'] = { json: { schedulers } };
  const { out } = await icefall('scheduler', 'list');
  const rows = out.split('\n').map((line) => line.replace(/ {2,}/g, ' | '));
  expect(rows.slice(1, 4)).toEqual([
    'nightly | nightly | on | 1 m 00 s ago | in 1 m 00 s | a, b',
    'weekly | nightly | off | never | a, b',
    'push | singleBranch | failed | never | a, b | where: no',
  ]);
});

test('scheduler on and off switch one, and say what that means', async () => {
  api.replies['POST /schedulers/nightly/enable'] = { json: {} };
  expect((await icefall('scheduler', 'off', 'nightly')).out).toBe('nightly: starts nothing until it is switched on\n');
  expect((await icefall('scheduler', 'on', 'nightly')).code).toBe(0);
  expect(api.asked.map(({ body }) => body)).toMatchObject([{ enabled: false }, { enabled: true }]);
});

test('scheduler run tells what it started, or that there was nothing', async () => {
  api.replies['POST /schedulers/push/run'] = [
    { json: { buildsets: [buildsetOf({ requestIds: [4, 5] })] } },
    { json: { buildsets: [] } },
  ];
  expect((await icefall('scheduler', 'run', 'push')).out).toBe('push: started 2 requests (4, 5)\n');
  expect((await icefall('scheduler', 'run', 'push')).out).toBe('push: there was nothing to start\n');
});
