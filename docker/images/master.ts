import { type Image, image } from '../image.ts';
import { POLICY } from '../policy.ts';
import { command, dependenciesStage, folders, install, NODE, nodeStage, PROJECT, STATE } from './parts.ts';

/** Sources that run as they are: Node strips the types. */
const SOURCES = ['shared', 'config', 'worker', 'docker'];

/** The master with its page and the command line, and the site that ships. */
export const masterImage: Image = image({
  name: 'master',
  title: 'Icefall master',
  needs: { cpus: 2, memoryMb: 2000 },
  stages: [
    nodeStage,
    {
      name: 'build',
      on: 'node',
      workdir: '/src',
      dependencies: install('--filter @icefall/master...'),
      copies: [{ source: ['tsconfig.json'], target: './' }, ...folders('shared', 'master')],
      run: ['cd master/web && ../node_modules/.bin/vite build --logLevel warn'],
    },
    dependenciesStage('@icefall/site...'),
    {
      name: 'base',
      on: POLICY.debian,
      packages: ['ca-certificates', 'git', 'openssh-client', 'rsync'],
      directories: [STATE, '/site', '/backup', '/run/icefall/tokens'],
    },
    {
      name: 'runtime',
      on: 'base',
      workdir: PROJECT,
      copies: [
        NODE,
        { from: 'dependencies', source: [PROJECT], target: PROJECT },
        ...folders(...SOURCES),
        { source: ['master/src'], target: 'master/src/' },
        { from: 'build', source: ['/src/master/web/dist'], target: 'master/web/dist/' },
      ],
      run: [command('icefall', `${PROJECT}/master/src/cli/main.ts`)],
    },
    {
      name: 'test',
      on: 'runtime',
      entrypoint: ['sh', `${PROJECT}/docker/files/test-master.sh`],
    },
    {
      name: 'production',
      on: 'runtime',
      environment: { NODE_ENV: 'production' },
      ports: [8010, 9989],
      // The program itself: curl is not in the image.
      health: ['node', `${PROJECT}/docker/files/ready.ts`],
      entrypoint: ['icefall'],
      command: [
        'start',
        STATE,
        '--config',
        `${PROJECT}/config`,
        '--host',
        '0.0.0.0',
        '--worker-host',
        '0.0.0.0',
        '--json-log',
      ],
    },
  ],
});
