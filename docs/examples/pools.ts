import {
  anyBranchScheduler,
  builder,
  dockerPool,
  factory,
  git,
  kubernetesPool,
  shell,
  site,
  worker,
} from '@icefall/master/config';

const REPOSITORY = 'https://git.example.org/project.git';

// #region pools
const standing = worker({ name: 'debian12', maxBuilds: 2 });
const burst = kubernetesPool({
  name: 'debian12-burst',
  maximum: 20,
  warm: 1,
  idle: '10m',
  image: 'registry.example.org/icefall/worker-debian12:1.0',
  master: 'ws://icefall-workers.icefall.svc:9989',
  namespace: 'icefall-builds',
  cpu: '4',
  memory: '8Gi',
});
const clean = dockerPool({
  name: 'clean',
  maximum: 4,
  perBuild: true,
  image: 'registry.example.org/icefall/worker-debian12:1.0',
  master: 'ws://172.17.0.1:9989',
});
const project = builder({
  name: 'project',
  workers: [standing, ...burst.workers],
  factory: factory([git({}), shell({ command: ['make'] })]),
});
// #endregion

const release = builder({
  name: 'release',
  workers: [...clean.workers],
  factory: factory([git({}), shell({ command: ['make', 'dist'] })]),
});

export default site({
  title: 'Workers on demand',
  workers: [standing, ...burst.workers, ...clean.workers],
  pools: [burst, clean],
  builders: [project, release],
  schedulers: [
    anyBranchScheduler({
      name: 'pushes',
      builders: [project, release],
      changes: { repository: REPOSITORY, branch: 'main' },
    }),
  ],
});
