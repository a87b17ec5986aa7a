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
  master: 'ws://master.icefall.svc:9989',
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

// #region template
const gpus = kubernetesPool({
  name: 'gpus',
  maximum: 4,
  perBuild: true,
  image: 'registry.example.org/icefall/worker-alma9:1.0',
  master: 'ws://master.icefall.svc:9989',
  namespace: 'icefall-builds',
  ...{ cpu: '8', memory: '32Gi', resources: { 'nvidia.com/gpu': '1' }, user: 10001 },
  imagePullSecrets: ['registry'],
  nodeAffinity: { required: [{ key: 'nvidia.com/gpu.product', operator: 'In', values: ['NVIDIA-A100-SXM4-80GB'] }] },
  tolerations: [{ key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' }],
  volumes: [
    { path: '/cvmfs', claim: 'icefall-tree' },
    { path: '/data', claim: 'reference-data', readOnly: true, subPath: 'v2' },
    { path: '/var/lib/icefall', scratch: '100Gi' },
    { path: '/dev/shm', memory: '8Gi' },
  ],
});
const local = dockerPool({
  name: 'local',
  maximum: 2,
  image: 'registry.example.org/icefall/worker-debian12:1.0',
  master: 'ws://172.17.0.1:9989',
  ...{ cpu: '4', memory: '8Gi', gpus: 1, devices: ['/dev/fuse'] },
  volumes: [
    { path: '/cvmfs', hostPath: '/cvmfs', readOnly: true, mountPropagation: 'HostToContainer' },
    { path: '/var/cache/ccache', volume: 'ccache' },
  ],
});
const trained = builder({
  name: 'trained',
  workers: [...gpus.workers, ...local.workers],
  factory: factory([git({}), shell({ command: ['make', 'train'] })]),
});
// #endregion

const release = builder({
  name: 'release',
  workers: [...clean.workers],
  factory: factory([git({}), shell({ command: ['make', 'dist'] })]),
});

export default site({
  title: 'Workers on demand',
  workers: [standing, ...burst.workers, ...clean.workers, ...gpus.workers, ...local.workers],
  pools: [burst, clean, gpus, local],
  builders: [project, release, trained],
  schedulers: [
    anyBranchScheduler({
      name: 'pushes',
      builders: [project, release, trained],
      changes: { repository: REPOSITORY, branch: 'main' },
    }),
  ],
});
