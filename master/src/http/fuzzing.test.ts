import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ROUTES } from './routes/all.ts';
import { clientOf } from './test-client.ts';
import { addHistory } from './test-history.ts';
import { TestSite } from './test-site.ts';

const RUNS = 600;
const names = ['force', 'nightly', 'linux', 'docs', 'w1', 'gitea', '1', '2', '3', '99', '-1', '0', 'x', '%', '..'];
const fields = [
  'reason',
  'owner',
  'enabled',
  'values',
  'builders',
  'priority',
  'repository',
  'branch',
  'commits',
  'at',
];
const queries = ['limit', 'before', 'first', 'hours', 'state', 'branch', 'result', 'builder', 'after'];

/** Bodies that look right, nearly right, and like nothing. */
const body = fc.oneof(
  fc.dictionary(fc.constantFrom(...fields), fc.jsonValue(), { maxKeys: 5 }).map((value) => JSON.stringify(value)),
  fc.json(),
  fc.string(),
);
const query = fc
  .dictionary(fc.constantFrom(...queries), fc.oneof(fc.string(), fc.integer().map(String)), { maxKeys: 3 })
  .map((values) => new URLSearchParams(values).toString());
// Streams do not end, so they cannot be asked this way.
const route = fc.constantFrom(
  ...ROUTES.filter(({ answer }) => !('media' in answer && answer.media === 'text/event-stream')),
);

test('whatever is sent, the answer is as documented, and never a failure of ours', async () => {
  await using site = new TestSite();
  await using client = await clientOf(site);
  addHistory(site);
  const part = fc.oneof(fc.constantFrom(...names), fc.string({ maxLength: 20 }).map(encodeURIComponent));
  await fc.assert(
    fc.asyncProperty(
      route,
      fc.array(part, { minLength: 2, maxLength: 2 }),
      query,
      body,
      async (asked, parts, q, payload) => {
        const [one = '', two = ''] = parts;
        const path = asked.path.replace(/:\w+/, () => one).replace(/:\w+/, () => two);
        const headers = { 'content-type': 'application/json' };
        const request = { method: asked.method, url: `${path}?${q}`, headers };
        const { status } = await client.ask(asked.method === 'POST' ? { ...request, payload } : request);
        // 503: the page is not built.
        const good = 'redirect' in asked.answer ? 302 : 200;
        expect([good, 400, 401, 404, 405, 409, 413, 422, 503]).toContain(status);
      },
    ),
    { numRuns: RUNS, seed: 1 },
  );
  expect(site.complaints.filter((complaint) => complaint === 'a request could not be answered')).toEqual([]);
});
