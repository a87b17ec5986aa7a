import {
  booleanField,
  builder,
  factory,
  forceScheduler,
  git,
  nightlyScheduler,
  prop,
  shell,
  singleBranchScheduler,
  site,
  worker,
} from '@icefall/master/config';

const repository = 'https://git.example.org/project.git';
const codebases = { '': { repository, branch: 'main' } };

const linux = worker({ name: 'linux', maxBuilds: 2 });

const project = builder({
  name: 'project',
  workers: [linux],
  factory: factory([
    git({ name: 'checkout' }),
    shell({ name: 'build', command: ['make', '-j', prop('jobs', '2')], haltOnFailure: true }),
    shell({ name: 'test', command: 'make check', doStepIf: prop('tests', true) }),
  ]),
});

export default site({
  title: 'A small site',
  timeZone: 'Europe/Zurich',
  workers: [linux],
  builders: [project],
  schedulers: [
    singleBranchScheduler({
      name: 'push',
      builders: [project],
      changes: { branch: 'main', repository },
      treeStableTimer: '30s',
    }),
    nightlyScheduler({ name: 'nightly', builders: [project], codebases, cron: '30 2 * * *' }),
    forceScheduler({
      name: 'force',
      builders: [project],
      codebases,
      fields: [booleanField({ name: 'tests', label: 'Run the tests', default: true })],
    }),
  ],
});
