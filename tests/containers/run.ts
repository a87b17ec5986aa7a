import { spawnSync } from 'node:child_process';
import { TestGround } from '../support/ground.ts';
import { addNewPlatform, buildOnNewPlatform, type NewPlatform } from './new-platform.ts';
import { pipelineInContainers } from './pipeline.ts';

/**
 * `npm run containers`: builds what can be built here, runs the laptop's site in containers and the whole pipeline in
 * it, then a platform that was added with one command. The sites run in a network of their own, where their ports are
 * free and nothing else is reached.
 */
const INSIDE = 'ICEFALL_CONTAINERS_INSIDE';
const IMAGES = ['master', 'stratum0', 'worker-debian11', 'worker-debian12', 'worker-debian13'];

const say = (line: string) => console.log(line);
const inside = process.env[INSIDE];

if (inside !== undefined) {
  const added: NewPlatform | null = JSON.parse(inside);
  await using ground = new TestGround();
  if (added === null) await pipelineInContainers(ground, say);
  else await buildOnNewPlatform(ground, added, say);
} else {
  const { status } = spawnSync(process.execPath, [`${import.meta.dirname}/build.ts`, ...IMAGES], { stdio: 'inherit' });
  if (status !== 0) process.exit(1);
  await using ground = new TestGround();
  runInside(null);
  runInside(await addNewPlatform(ground));
  say('containers: all well');
}

/** Goes on in a network of its own. */
function runInside(task: NewPlatform | null): void {
  const command = [
    '--net',
    '--',
    'sh',
    '-c',
    'ip link set lo up && exec "$@"',
    'sh',
    process.execPath,
    import.meta.filename,
  ];
  const { status } = spawnSync('unshare', command, {
    stdio: 'inherit',
    env: { ...process.env, [INSIDE]: JSON.stringify(task) },
  });
  if (status !== 0) throw new Error(`containers: ended with ${status}`);
}
