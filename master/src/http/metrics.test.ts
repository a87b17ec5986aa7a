import { expect, test } from 'vitest';
import { clientOf } from './test-client.ts';
import { NOW, TestSite } from './test-site.ts';

test('what Prometheus asks for is how busy the master is, in its text format', async () => {
  await using site = new TestSite();
  await using client = await clientOf(site);
  site.core.turn(() => {
    site.core.db.insert('reporters', { name: 'mail', cursor: 1, given_up: 2 });
    const report = { reporter: 'mail', build_id: 1, moment: 'end', at: NOW - 90_000, state: 'waiting' };
    site.core.db.insert('reports', report);
  });
  site.core.alarms.raise('diskSpaceLow', 'less than 1 GiB is free');
  const { status, headers, text: body } = await client.get('/metrics');
  expect([status, headers['content-type']]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
  expect(body).toContain('# TYPE icefall_builds_running gauge\nicefall_builds_running 0\n');
  expect(body).toContain('\nicefall_workers 2\n');
  expect(body).toContain('\nicefall_workers_connected 0\n');
  expect(body).toContain('\nicefall_alarms 1\n');
  expect(body).toContain('\nicefall_reports_waiting 1\n');
  expect(body).toContain('\nicefall_reports_oldest_seconds 90\n');
  expect(body).toContain('\nicefall_reports_given_up 2\n');
  expect(body).toContain(`\nicefall_start_time_seconds ${NOW / 1000}\n`);
});
