import type { ReportEntry, Reporter } from '@icefall/shared';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type FakeApi, fakeApi } from '../testing/fake-api.ts';
import { runAgainst } from '../testing/icefall.ts';

let api: FakeApi;
beforeEach(async () => {
  api = await fakeApi();
});
afterEach(() => api.close());
const icefall = (...args: readonly string[]) => runAgainst(api, args);

const NOW = 1_764_000_000_000;
const idle: Reporter = {
  ...{ name: 'mail', kind: 'mail', cursor: 1042, waiting: 0, waitingSince: null, tries: 0, nextTryAt: null },
  ...{ lastError: null, lastErrorAt: null, lastDeliveredAt: NOW - 60_000, delivered: 17, givenUp: 0 },
};
const stuck: Reporter = {
  ...{ ...idle, name: 'hook', kind: 'webhook', waiting: 3, waitingSince: NOW - 200_000, tries: 5, givenUp: 1 },
  ...{ nextTryAt: NOW + 40_000, lastError: 'connect ECONNREFUSED', lastErrorAt: NOW - 1000 },
};
const entry: ReportEntry = {
  ...{ id: 7, reporter: 'mail', buildId: 12, moment: 'end', at: NOW, state: 'delivered', tries: 1 },
  ...{ nextTryAt: null, doneAt: NOW + 100, note: null },
};

test('reporters tells what waits, since when and why', async () => {
  api.replies['GET /reporters'] = { json: { reporters: [idle, stuck] } };
  const { out } = await icefall('reporters');
  expect(out).toMatch(/^mail +mail +1042 +17 /m);
  expect(out).toMatch(/^hook +webhook .* 1 +3 +since .*, 5 tries, again .*: connect ECONNREFUSED$/m);
  api.replies['GET /reporters'] = { json: { reporters: [] } };
  expect((await icefall('reporters')).out).toBe('the site declares no reporters\n');
});

test('reports resend has one told again', async () => {
  api.replies['POST /reports/8/resend'] = { json: { ...entry, id: 9, state: 'waiting', tries: 0, doneAt: null } };
  const { out } = await icefall('reports', 'resend', '8');
  expect(out).toBe('report 8 is told again as 9: see icefall reports\n');
});

test('reports tells what became of each', async () => {
  const refused: ReportEntry = { ...entry, id: 8, state: 'givenUp', note: 'refused: 550 no such user' };
  api.replies['GET /reports'] = { json: { reports: [refused, entry], next: 7 } };
  const { out, err } = await icefall('reports', '--state', 'givenUp');
  expect(out).toMatch(/^ *8 +2025-11-24 16:00:00 +mail +12 +end +1 +refused: 550 no such user$/m);
  expect(out).toMatch(/^ *7 .*delivered$/m);
  expect(err).toBe('icefall: there are older ones: the same with --before 7\n');
});
