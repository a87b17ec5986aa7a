import type { Status } from '@icefall/shared';
import type { ReportsBacklog } from '../../reporters/report-rows.ts';
import { route } from '../route.ts';

interface Gauge {
  readonly name: string;
  readonly help: string;
  readonly value: (status: Status, reports: ReportsBacklog) => number;
}

/** In base units, as Prometheus wants them: seconds. */
const GAUGES: readonly Gauge[] = [
  { name: 'icefall_builds_running', help: 'Builds that run now', value: (status) => status.runningBuilds },
  { name: 'icefall_requests_pending', help: 'Build requests that wait', value: (status) => status.pendingRequests },
  { name: 'icefall_workers', help: 'Workers that the site declares', value: (status) => status.workers },
  { name: 'icefall_workers_connected', help: 'Workers that are connected', value: (status) => status.workersConnected },
  { name: 'icefall_alarms', help: 'What a person has to look at now', value: (status) => status.alarms.length },
  { name: 'icefall_config_errors', help: 'Mistakes at the last reload', value: (status) => status.configErrors.length },
  { name: 'icefall_config_version', help: 'The configuration in force', value: (status) => status.configVersion },
  {
    name: 'icefall_draining',
    help: '1 while no new builds are started',
    value: (status) => (status.drainingSince === null ? 0 : 1),
  },
  {
    name: 'icefall_reports_waiting',
    help: 'Reports of builds to be delivered',
    value: (_, reports) => reports.waiting,
  },
  {
    name: 'icefall_reports_oldest_seconds',
    help: 'How long the oldest report waits that is to be delivered',
    value: ({ now }, { since }) => (since === null ? 0 : Math.max(0, now - since) / 1000),
  },
  {
    name: 'icefall_reports_given_up',
    help: 'Reports that were given up, of the reporters there are',
    value: (_, reports) => reports.givenUp,
  },
  {
    name: 'icefall_start_time_seconds',
    help: 'When the master was started, since 1970',
    value: (status) => status.startedAt / 1000,
  },
];

export const metricRoutes = [
  route({
    method: 'GET',
    path: '/metrics',
    name: 'metrics',
    access: { open: 'sums over the site, without a name in them; Prometheus asks' },
    summary: 'How busy the master is, as Prometheus reads it',
    tag: 'master',
    answer: { media: 'text/plain', description: 'Gauges in the text format of Prometheus, version 0.0.4' },
    handle({ door, reply }) {
      const status = door.views.status();
      const reports = door.master.reporters.backlog();
      const lines = GAUGES.flatMap(({ name, help, value }) => [
        `# HELP ${name} ${help}`,
        `# TYPE ${name} gauge`,
        `${name} ${value(status, reports)}`,
      ]);
      return reply
        .type('text/plain; version=0.0.4; charset=utf-8')
        .header('cache-control', 'no-store')
        .send(`${lines.join('\n')}\n`);
    },
  }),
];
