import { expect, test } from 'vitest';
import { collectProblems } from '../config/problems.ts';
import { mailReporter } from '../config/reporters.ts';
import { clientOf } from './test-client.ts';
import { NOW, SITE_WITH_URL, TestSite } from './test-site.ts';

test('reporters and reports are told: what waits since when and why, and what became of the others', async () => {
  const { problems, value: mail } = collectProblems(() =>
    mailReporter({ name: 'mail', server: { host: 'm' }, from: 'ci@example.org', to: ['team@example.org'] }),
  );
  expect(problems).toEqual([]);
  await using site = new TestSite({ ...SITE_WITH_URL, reporters: [mail] });
  await using client = await clientOf(site);
  const { core } = site;
  core.turn(() => {
    const told = { last_delivered_at: NOW - 1000, last_error: '451 later', last_error_at: NOW };
    core.db.insert('reporters', { name: 'mail', cursor: 9, delivered: 1, given_up: 0, ...told });
    const report = { reporter: 'mail', moment: 'end', tries: 1 };
    core.db.insert('reports', { ...report, build_id: 1, at: NOW - 5000, state: 'delivered', done_at: NOW - 1000 });
    const waits = { state: 'waiting', next_try_at: NOW + 2000, note: '451 later' };
    core.db.insert('reports', { ...report, build_id: 2, at: NOW - 4000, ...waits });
  });
  const { json } = await client.get('/api/v1/reporters');
  expect(json.reporters).toEqual([
    {
      ...{
        name: 'mail',
        kind: 'mail',
        cursor: 9,
        waiting: 1,
        waitingSince: NOW - 4000,
        tries: 1,
        nextTryAt: NOW + 2000,
      },
      ...{ lastError: '451 later', lastErrorAt: NOW, lastDeliveredAt: NOW - 1000, delivered: 1, givenUp: 0 },
    },
  ]);
  const ids = async (query: string) => {
    const page = (await client.get(`/api/v1/reports${query}`)).json;
    return [page.reports.map(({ id }: { id: number }) => id), page.next];
  };
  expect(await ids('')).toEqual([[2, 1], null]);
  expect(await ids('?limit=1')).toEqual([[2], 2]);
  expect(await ids('?before=2')).toEqual([[1], null]);
  expect(await ids('?state=waiting&reporter=mail')).toEqual([[2], null]);
  expect(await ids('?reporter=other')).toEqual([[], null]);
  expect((await client.get('/api/v1/reports?state=lost')).status).toBe(400);

  const resend = (id: number) => client.post(`/api/v1/reports/${id}/resend`, {});
  const { json: again } = await resend(1);
  expect(again).toMatchObject({
    id: 3,
    reporter: 'mail',
    buildId: 1,
    state: 'waiting',
    tries: 0,
    note: null,
    doneAt: null,
  });
  expect(await ids('')).toEqual([[3, 2], null]);
  expect(site.audits().at(-1)).toMatchObject({ action: 'resend', object: 'report 1' });
  const refused = await Promise.all([resend(1), resend(2)]);
  expect(refused.map(({ status, json: { error } }) => [status, error.code])).toEqual([
    [404, 'no_report'],
    [409, 'report_waits'],
  ]);
  core.turn(() =>
    core.db.insert('reports', { reporter: 'gone', build_id: 1, moment: 'end', at: NOW, state: 'givenUp' }),
  );
  expect((await resend(4)).json.error).toMatchObject({
    code: 'no_reporter',
    message: expect.stringContaining('"gone"'),
  });
});
