import { spawnSync } from 'node:child_process';
import { TestGround } from '../support/ground.ts';
import { pipelineInContainers } from './pipeline.ts';

/**
 * `npm run containers`: builds what can be built here, runs the laptop's site in containers and the whole pipeline in
 * it. In a network of its own, where its ports are free and nothing else is reached.
 */
const INSIDE = 'ICEFALL_CONTAINERS_INSIDE';

if (process.env[INSIDE] === undefined) {
  const build = spawnSync(
    process.execPath,
    [`${import.meta.dirname}/build.ts`, 'master', 'stratum0', 'worker-debian11', 'worker-debian12', 'worker-debian13'],
    { stdio: 'inherit' },
  );
  if (build.status !== 0) process.exit(1);
  const inside = [
    '--net',
    '--',
    'sh',
    '-c',
    'ip link set lo up && exec "$@"',
    'sh',
    process.execPath,
    import.meta.filename,
  ];
  const { status } = spawnSync('unshare', inside, { stdio: 'inherit', env: { ...process.env, [INSIDE]: '1' } });
  process.exit(status ?? 1);
}

const ground = new TestGround();
try {
  await pipelineInContainers(ground, (line) => console.log(line));
  console.log('containers: all well');
} finally {
  await ground.end();
}
