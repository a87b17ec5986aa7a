import { type Image, image } from '../image.ts';
import type { Platform } from '../platforms.ts';
import { POLICY } from '../policy.ts';
import { AGENT, bundleStage, GATEWAY_COMMAND, NODE, nodeStage, PROGRAMS, PROJECT, STATE } from './parts.ts';

/** Where the platforms' shared tree is mounted. */
export const TREE = '/cvmfs';

/** Exit code 0 while the agent is connected to its master. */
export const CONNECTED = ['test', '-e', `${STATE}/.icefall/connected`];

/** A platform's worker: its compilers and the agent. */
export function workerImage(platform: Platform): Image {
  const { name, title, base, family, packages = [], needs = {} } = platform;
  return image({
    name: `worker-${name}`,
    title: `Icefall worker, ${title}`,
    family,
    needs: { ...POLICY.needs, ...needs },
    stages: [
      nodeStage,
      bundleStage,
      {
        name: 'base',
        on: base,
        packages: [...new Set([...POLICY.buildPackages[family], ...packages])],
        directories: [STATE, TREE],
      },
      {
        name: 'runtime',
        on: 'base',
        workdir: STATE,
        copies: [NODE, PROGRAMS],
        run: [GATEWAY_COMMAND],
      },
      {
        name: 'test',
        on: 'runtime',
        copies: [{ source: ['docker/files/test-worker.sh'], target: `${PROJECT}/` }],
        entrypoint: ['sh', `${PROJECT}/test-worker.sh`],
      },
      {
        name: 'production',
        on: 'runtime',
        health: CONNECTED,
        entrypoint: ['node', AGENT],
        command: ['--dir', STATE],
      },
    ],
  });
}
