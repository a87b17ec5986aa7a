import {
  builder,
  computed,
  factory,
  masterLock,
  projects,
  secret,
  secretsFrom,
  shell,
  site,
  triggerableScheduler,
  webhook,
  worker,
} from '@icefall/master/config';

const debian12 = worker({ name: 'debian12', maxBuilds: 4 });
const alma9 = worker({ name: 'alma9', maxBuilds: 4 });
const stratum0 = worker({ name: 'stratum0' });
const cpu = masterLock('cpu', { maxCount: 8 });

const publisher = builder({
  name: 'publisher',
  workers: [stratum0],
  factory: factory([
    shell({
      name: 'publish',
      command: ['publish-project', computed(({ properties }) => String(properties.project?.value))],
    }),
  ]),
});
const release = triggerableScheduler({ name: 'release', builders: [publisher] });

// #region projects
const declared = projects({
  repositories: [
    { name: 'widgets', repository: 'https://git.example.org/widgets.git' },
    {
      name: 'gears',
      repository: 'https://git.example.org/gears.git',
      branch: 'main',
      trust: { pullRequests: 'trusted', forks: 'restricted', platforms: ['debian12'] },
    },
  ],
  platforms: { debian12: [debian12], alma9: [alma9] },
  locks: [cpu],
  secrets: { UPLOAD_TOKEN: secret('upload-token') },
  publish: { release },
  artifacts: '/srv/icefall/artifacts',
});
// #endregion

export default site({
  title: 'Projects that declare their own pipelines',
  workers: [debian12, alma9, stratum0],
  builders: [publisher],
  schedulers: [release],
  changeSources: [webhook('gitea', { secrets: [{ env: 'HOOK_SECRET' }], pullRequests: true })],
  projects: declared,
  secrets: {
    from: [secretsFrom.directory('/run/secrets')],
    allow: [{ secrets: ['upload-token'], branches: ['main'], repositories: ['https://git.example.org/*'] }],
  },
});
