import {
  builder,
  factory,
  forceScheduler,
  git,
  gitPoller,
  interpolate,
  masterLock,
  nightlyScheduler,
  prop,
  shell,
  singleBranchScheduler,
  site,
  textField,
  trigger,
  triggerableScheduler,
  worker,
} from '@icefall/master/config';

const repository = 'https://git.example.org/project.git';
const codebases = { '': { repository, branch: 'main' } };

const linux = worker({ name: 'linux', maxBuilds: 2, token: { env: 'LINUX_TOKEN' } });
const tree = masterLock('tree', { maxCount: 10 });

const publish = builder({
  name: 'publish',
  workers: [linux],
  locks: [tree.exclusive()],
  factory: factory([
    shell({ name: 'publish', command: ['publish', prop('version')], haltOnFailure: true, retryable: false }),
  ]),
});
const publishing = triggerableScheduler({ name: 'publish', builders: [publish] });

const build = builder({
  name: 'build',
  workers: [linux],
  env: { JOBS: prop('jobs', '4') },
  factory: factory([
    git({ mode: 'full', method: 'fresh' }),
    shell({
      name: 'build',
      command: ['make', interpolate`VERSION=${prop('version', 'dev')}`],
      locks: [tree.counting()],
      idleTimeout: '1h',
      exitCodes: { 0: 'SUCCESS', 3: 'WARNINGS' },
      warnOnWarnings: true,
      haltOnFailure: true,
    }),
    trigger({
      name: 'publish',
      schedulers: [publishing],
      wait: true,
      properties: { version: prop('version', 'dev') },
      haltOnFailure: true,
    }),
  ]),
});

export default site({
  title: 'Project',
  url: 'https://icefall.example.org/',
  timeZone: 'Europe/Zurich',
  workers: [linux],
  builders: [build, publish],
  changeSources: [gitPoller({ repository, branches: ['main'], every: '2m' })],
  schedulers: [
    singleBranchScheduler({ name: 'main', builders: [build], changes: { branch: 'main' }, treeStableTimer: '1m' }),
    nightlyScheduler({ name: 'nightly', builders: [build], codebases, cron: '30 2 * * *' }),
    forceScheduler({
      name: 'force',
      builders: [build],
      codebases,
      fields: [textField({ name: 'version', required: true, default: 'dev', pattern: '[a-z0-9.]+' })],
    }),
    publishing,
  ],
});
