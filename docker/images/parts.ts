import type { ImageFile } from '../image.ts';
import { POLICY } from '../policy.ts';

type StageFile = ImageFile['stages'][number];

/** Folders with a package.json, as pnpm-workspace.yaml has them: the lock file is of all of them. */
export const WORKSPACES = ['master', 'worker', 'shared', 'config', 'tests', 'docs', 'docker', 'k8s'] as const;

/** Where the project's files are in an image. */
export const PROJECT = '/opt/icefall';
/** Where a container keeps what outlives it. */
export const STATE = '/var/lib/icefall';

const PNPM = 'pnpm@12.21.0';

/** Carries Node, one binary; without its symbols, which only a debugger reads. */
export const nodeStage: StageFile = {
  name: 'node',
  on: POLICY.node,
  family: 'apt',
  packages: ['binutils'],
  run: ['strip /usr/local/bin/node'],
};
export const NODE: NonNullable<StageFile['copies']>[number] = {
  from: 'node',
  source: ['/usr/local/bin/node'],
  target: '/usr/local/bin/node',
};

/** A program on the PATH: what follows `node`. */
export function command(name: string, words: string): string {
  const file = `/usr/local/bin/${name}`;
  return `printf '#!/bin/sh\\nexec node ${words} "$@"\\n' > ${file} && chmod 755 ${file}`;
}

/** The client of a gateway, where {@link PROGRAMS} are. */
export const GATEWAY_COMMAND = command('icefall-gateway', `${PROJECT}/icefall-gateway.cjs`);

/** Fetches dependencies: anew only when the lock file or a package.json has changed. */
export function install(options: string): NonNullable<StageFile['dependencies']> {
  return {
    copies: [
      { source: ['package.json', 'pnpm-lock.yaml', 'pnpm-workspace.yaml'], target: './' },
      ...WORKSPACES.map((folder) => ({ source: [`${folder}/package.json`], target: `${folder}/` })),
    ],
    // The Node that the project brings for development machines is another copy of the image's own.
    run: `npx --yes ${PNPM} install --frozen-lockfile --ignore-scripts ${options} && rm -rf node_modules/.pnpm/node-linux-*`,
  };
}

/** A stage of what a program needs to run, and nothing else: to be copied into the image. */
export function dependenciesStage(filter: string): StageFile {
  return {
    name: 'dependencies',
    on: 'node',
    workdir: PROJECT,
    dependencies: install(`--prod --filter ${filter}`),
    copies: [{ source: ['docker/files/prune.sh'], target: '/tmp/' }],
    run: ['sh /tmp/prune.sh node_modules'],
  };
}

/** Folders of the project, as they are. */
export function folders(...names: readonly string[]): NonNullable<StageFile['copies']> {
  return names.map((name) => ({ source: [name], target: `${name}/` }));
}

/** Bundles the agent and the client of a gateway, one file each. */
export const bundleStage: StageFile = {
  name: 'build',
  on: 'node',
  workdir: '/src',
  dependencies: install('--filter @icefall/worker...'),
  copies: folders('shared', 'worker'),
  run: ['node worker/scripts/bundle.ts'],
};

/** The two, as {@link bundleStage} made them. */
export const PROGRAMS: NonNullable<StageFile['copies']>[number] = {
  from: bundleStage.name,
  source: ['/src/worker/dist/icefall-worker.cjs', '/src/worker/dist/icefall-gateway.cjs'],
  target: `${PROJECT}/`,
};
/** The agent, where {@link PROGRAMS} are. */
export const AGENT = `${PROJECT}/icefall-worker.cjs`;
