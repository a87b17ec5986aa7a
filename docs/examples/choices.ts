import { builder, factory, forceScheduler, prop, shell, site, worker } from '@icefall/master/config';

const machines = ['a', 'b', 'c'].map((name) =>
  worker({ name: `machine_${name}`, maxBuilds: 4, properties: { scratch: `/scratch/${name}` } }),
);

// #region builder
const simulation = builder({
  name: 'simulation',
  group: 'physics',
  description: 'Runs the long simulation',
  tags: ['long'],
  workers: machines,
  env: { SCRATCH: prop('scratch') },
  properties: { events: 1000 },
  collapseRequests: (newer, older) => newer.reason === older.reason,
  nextRequest: (pending) => pending.find(({ owner }) => owner === 'release') ?? pending[0] ?? null,
  nextWorker: (free) => free.find(({ info }) => info.cpus === 64) ?? free[0] ?? null,
  mayStart: ({ runningBuilds }) => runningBuilds < 2 || 'two builds run on it already',
  retry: { maxAttempts: 5, backOff: '1m' },
  factory: factory([shell({ name: 'run', command: ['./simulate', prop('events')], maxTime: '8h' })]),
});
// #endregion

export default site({
  title: 'Choices',
  workers: machines,
  builders: [simulation],
  schedulers: [forceScheduler({ name: 'force', builders: [simulation] })],
});
