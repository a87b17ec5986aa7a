import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { TestGround } from '../support/ground.ts';
import { removeLeftContainers } from './buildah.ts';
import { addNewPlatform, buildOnNewPlatform, type NewPlatform } from './new-platform.ts';
import { pipelineInContainers } from './pipeline.ts';

/**
 * `npm run containers -- [pipeline] [platform]`: builds what can be built here; runs the laptop's site in containers and
 * the whole pipeline in it; then adds a platform with the one command, and builds on it. The sites run in a network of
 * their own, where their ports are free and nothing else is reached. However it ends, nothing of it runs on.
 */
const INSIDE = 'ICEFALL_CONTAINERS_INSIDE';
const IMAGES = ['master', 'stratum0', 'worker-debian11', 'worker-debian12', 'worker-debian13'];
const PARTS = ['pipeline', 'platform'];
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

const say = (line: string) => console.log(line);
const inside = process.env[INSIDE];
await using ground = new TestGround();
// By this, whatever is started here is known as of this ground, and ends with it.
process.env.TMPDIR = ground.directory;
for (const signal of SIGNALS)
  process.once(signal, () => {
    console.error(`containers: ${signal}: ends`);
    // What it waits for fails with it; that is not to be told.
    void ground.end().finally(() => process.exit(1));
  });

if (inside === undefined) {
  const chosen = process.argv.slice(2);
  const unknown = chosen.filter((part) => !PARTS.includes(part));
  if (unknown.length > 0) throw new Error(`there is no part ${unknown.join(', ')}; there are: ${PARTS.join(', ')}`);
  const isChosen = (part: string) => chosen.length === 0 || chosen.includes(part);
  removeLeftContainers();
  await goOn([process.execPath, `${import.meta.dirname}/build.ts`, ...IMAGES]);
  if (isChosen('pipeline')) await runInside(null);
  if (isChosen('platform')) await runInside(await addNewPlatform(ground, say));
  say('containers: all well');
} else {
  const added: NewPlatform | null = JSON.parse(inside);
  if (added === null) await pipelineInContainers(ground, say);
  else await buildOnNewPlatform(ground, added, say);
}

/** Goes on in a network of its own. */
async function runInside(task: NewPlatform | null): Promise<void> {
  const ready = 'ip link set lo up && exec "$@"';
  const command = ['unshare', '--net', '--', 'sh', '-c', ready, 'sh', process.execPath, import.meta.filename];
  await goOn(command, { [INSIDE]: JSON.stringify(task) });
}

/** Runs a program to its end, which must be a good one; a signal to this process ends it, too. */
async function goOn([program = '', ...args]: readonly string[], env: Record<string, string> = {}): Promise<void> {
  const child = spawn(program, args, { stdio: 'inherit', env: { ...process.env, ...env } });
  const ended = once(child, 'close');
  ground.atEnd(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    await ended;
  });
  const [code, signal] = await ended;
  if (code !== 0) throw new Error(`${program} ${args.join(' ')}: ended with ${code ?? signal}`);
}
