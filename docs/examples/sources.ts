import {
  anyBranchScheduler,
  builder,
  factory,
  git,
  gitPoller,
  shell,
  site,
  webhook,
  worker,
} from '@icefall/master/config';

const linux = worker({ name: 'linux', token: { file: '/etc/icefall/linux.token' }, grace: '30m' });
const repository = 'https://git.example.org/group/project.git';
const project = builder({
  name: 'project',
  workers: [linux],
  factory: factory([git({}), shell({ command: ['make'] })]),
});

// #region sources
const sources = [
  gitPoller({ repository, branches: /release-|main$/, every: '10m' }),
  webhook('gitea', {
    secrets: [{ env: 'HOOK_SECRET' }, { file: '/etc/icefall/old-hook-secret' }],
    skip: [/\[skip ci\]/i],
    repositories: { 'group/project': repository },
  }),
];
// #endregion

export default site({
  title: 'Sources of change',
  workers: [linux],
  builders: [project],
  schedulers: [anyBranchScheduler({ name: 'pushes', builders: [project], changes: { repository } })],
  changeSources: sources,
});
