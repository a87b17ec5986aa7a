import { type Image, image } from '../image.ts';
import { POLICY } from '../policy.ts';
import {
  AGENT,
  bundleStage,
  command,
  dependenciesStage,
  GATEWAY_COMMAND,
  NODE,
  nodeStage,
  PROGRAMS,
  PROJECT,
  STATE,
} from './parts.ts';
import { CONNECTED } from './worker.ts';

/** Where the embedded publisher keeps its repositories. */
export const STRATUM0 = '/var/lib/stratum0';
/** The shared tree, as the stratum 0 sees it. */
export const SOURCE = '/cvmfs-source';

const ENTRY = `${PROJECT}/docker/files/stratum0.sh`;
const NEEDS = { cpus: 2, memoryMb: 4000 };

/** A stratum 0 in user space: the embedded publisher, its HTTP server (as another command) and a worker. */
export const stratum0Image: Image = image({
  name: 'stratum0',
  title: 'Icefall stratum 0, embedded publisher',
  needs: NEEDS,
  stages: [
    nodeStage,
    dependenciesStage('@icefall/worker...'),
    {
      name: 'base',
      on: POLICY.debian,
      packages: ['ca-certificates', 'git', 'rsync', 'wget'],
      directories: [STATE, STRATUM0, SOURCE],
    },
    {
      name: 'runtime',
      on: 'base',
      workdir: STATE,
      copies: [
        NODE,
        { from: 'dependencies', source: [PROJECT], target: PROJECT },
        { source: ['shared'], target: `${PROJECT}/shared/` },
        { source: ['worker'], target: `${PROJECT}/worker/` },
        { source: ['docker/files'], target: `${PROJECT}/docker/files/` },
      ],
      run: [
        command(
          'icefall-stratum0',
          `${PROJECT}/worker/src/stratum0/main.ts --dir "\${ICEFALL_STRATUM0_DIR:-${STRATUM0}}"`,
        ),
        command('icefall-gateway', `${PROJECT}/worker/src/gateway/main.ts`),
      ],
    },
    { name: 'test', on: 'runtime', entrypoint: ['sh', `${PROJECT}/docker/files/test-stratum0.sh`] },
    {
      name: 'production',
      on: 'runtime',
      ports: [8000],
      health: CONNECTED,
      entrypoint: ['sh', ENTRY],
      command: ['node', `${PROJECT}/worker/src/main.ts`, '--dir', STATE],
    },
  ],
});

/**
 * A stratum 0 with the stock tools of CernVM-FS: their package brings `cvmfs_server`, Apache serves the repositories,
 * fuse-overlayfs stands in for the kernel's overlay where there is no privilege.
 */
export const stratum0CvmfsImage: Image = image({
  name: 'stratum0-cvmfs',
  title: 'Icefall stratum 0, cvmfs-server',
  family: 'dnf',
  needs: NEEDS,
  stages: [
    nodeStage,
    bundleStage,
    {
      name: 'base',
      on: 'docker.io/library/almalinux:9',
      packages: ['ca-certificates', 'epel-release', 'git', 'rsync', 'shadow-utils', 'util-linux', 'wget'],
      directories: [STATE, SOURCE],
    },
    {
      name: 'runtime',
      on: 'base',
      workdir: STATE,
      // The repository of packages is one of CernVM's own.
      dependencies: {
        copies: [{ source: ['docker/files/cernvm.repo'], target: '/etc/yum.repos.d/' }],
        run: 'dnf install -q -y --nodocs --setopt=install_weak_deps=False cvmfs cvmfs-server fuse-overlayfs httpd && dnf clean all && rm -rf /var/cache/dnf /var/log/dnf*',
      },
      copies: [NODE, PROGRAMS, { source: ['docker/files'], target: `${PROJECT}/docker/files/` }],
      run: [GATEWAY_COMMAND],
    },
    {
      name: 'test',
      on: 'runtime',
      rootBecause: 'as in production',
      entrypoint: ['sh', `${PROJECT}/docker/files/test-cvmfs.sh`],
    },
    {
      name: 'production',
      on: 'runtime',
      ports: [8000],
      health: CONNECTED,
      rootBecause: 'cvmfs_server mounts the overlay of a transaction',
      entrypoint: ['sh', `${PROJECT}/docker/files/stratum0-cvmfs.sh`],
      command: ['node', AGENT, '--dir', STATE],
    },
  ],
});
