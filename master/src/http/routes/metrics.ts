import type { Status } from '@icefall/shared';
import { route } from '../route.ts';

interface Gauge {
  readonly name: string;
  readonly help: string;
  readonly value: (status: Status) => number;
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
      const lines = GAUGES.flatMap(({ name, help, value }) => [
        `# HELP ${name} ${help}`,
        `# TYPE ${name} gauge`,
        `${name} ${value(status)}`,
      ]);
      return reply
        .type('text/plain; version=0.0.4; charset=utf-8')
        .header('cache-control', 'no-store')
        .send(`${lines.join('\n')}\n`);
    },
  }),
];
