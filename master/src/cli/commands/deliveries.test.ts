import type { HookDelivery } from '@icefall/shared';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type FakeApi, fakeApi } from '../testing/fake-api.ts';
import { runAgainst } from '../testing/icefall.ts';

let api: FakeApi;
beforeEach(async () => {
  api = await fakeApi();
});
afterEach(() => api.close());
const icefall = (...args: readonly string[]) => runAgainst(api, args);

const accepted: HookDelivery = {
  ...{ id: 7, at: 1_764_000_000_000, dialect: 'gitea', origin: '192.0.2.7', event: 'push', deliveryId: 'd1' },
  ...{
    sizeBytes: 2048,
    outcome: 'accepted',
    code: null,
    reason: null,
    changeIds: [3],
    redeliveryOf: null,
    isKept: true,
  },
};
const refused: HookDelivery = {
  ...{ ...accepted, id: 8, outcome: 'refused', code: 'bad_signature', reason: 'the request is not signed' },
  ...{ changeIds: [], isKept: false },
};

test('deliveries tells what came and what became of it', async () => {
  api.replies['GET /hooks/deliveries'] = { json: { deliveries: [refused, accepted], next: null } };
  const { out } = await icefall('deliveries', '--outcome', 'refused');
  expect(out).toMatch(/^ *8 +2025-11-24 16:00:00 +gitea .*push.*refused: bad_signature: the request is not signed$/m);
  expect(out).toMatch(/^ *7 .*change 3$/m);
});

test('deliveries redeliver tells what became of it this time', async () => {
  api.replies['POST /hooks/deliveries/8/redeliver'] = { json: { ...accepted, id: 9, redeliveryOf: 8 } };
  expect((await icefall('deliveries', 'redeliver', '8')).out).toBe('delivery 8 was read again as 9: change 3\n');
  expect((await icefall('deliveries', 'redeliver', 'eight')).err).toContain('delivery');
});
