import assert from 'node:assert/strict';
import { LAPTOP_PLATFORMS, serviceName } from '@icefall/docker/compose';
import type { Build, Buildset } from '@icefall/shared';
import type { TestApi } from '../support/api.ts';
import type { ComposeSite } from './compose-site.ts';
import { BUILD_LIMIT_MS, green } from './green-builds.ts';

const REPOSITORY = 'software.icefall.example';
/** From TERM to its end, for every container: as long as the compose file gives them. */
const STOP_LIMIT_MS = 60_000;

type Say = (line: string) => void;

/** Starts all platforms anew, whatever was built before. */
function forceAll(api: TestApi, variant = 'base_v1.0.0'): Promise<Buildset> {
  return api.force('force', { values: { variant, nightly: true } });
}

/** Waits until a step of a builder runs, anywhere in what a buildset has started. */
async function runs(api: TestApi, buildset: Buildset, builder: string, step: RegExp): Promise<Build> {
  const find = async () => {
    const builds = await api.buildsOf(buildset);
    const isRunning = ({ builder: name, steps }: Build) =>
      name === builder && steps.some((one) => step.test(one.name) && one.state === 'running');
    return builds.find(isRunning) ?? null;
  };
  return api.waitFor(`a step ${step} of ${builder} to run`, find, BUILD_LIMIT_MS);
}

/** The master's container goes in the middle of everything, and a new one comes. */
export async function masterRespawns(site: ComposeSite, api: TestApi, say: Say): Promise<void> {
  const buildset = await forceAll(api, 'tools_v1.1.0_metaproject');
  await runs(api, buildset, `${LAPTOP_PLATFORMS[0]}_builder`, /^build$/);
  await site.kill('master');
  site.start('master');
  const builds = await green(api, buildset);
  assert.ok(
    builds.every(({ attempt }) => attempt === 1),
    'no build was begun again',
  );
  say('the master was killed in the middle and came back: green, and nothing was done twice');
}

/** A worker's container goes in the middle of its build: that alone is begun again, and says why. */
export async function workerRespawns(site: ComposeSite, api: TestApi, say: Say): Promise<void> {
  const [platform = ''] = LAPTOP_PLATFORMS;
  const buildset = await forceAll(api);
  await runs(api, buildset, `${platform}_builder`, /^build$/);
  await site.kill(serviceName(platform));
  site.start(serviceName(platform));
  const builds = await green(api, buildset);
  const attempts = builds.map(({ builder, attempt }) => `${builder} ${attempt}`);
  const again = builds.filter(({ attempt }) => attempt > 1).map(({ builder }) => builder);
  assert.deepEqual(again, [`${platform}_builder`], attempts.join(', '));
  say(`the worker ${platform} was killed in the middle of its build and came back: green, its build alone begun again`);
}

/** The stratum 0's container goes while it publishes: that fails and says so, what is served is whole, the next one is green. */
export async function stratum0Respawns(site: ComposeSite, api: TestApi, say: Say): Promise<void> {
  const buildset = await forceAll(api);
  await runs(api, buildset, 'publish', /./);
  await site.kill('stratum0');
  site.start('stratum0');
  const { result } = await api.finished(buildset, BUILD_LIMIT_MS);
  const publish = (await api.buildsOf(buildset)).find(({ builder }) => builder === 'publish');
  const steps = publish?.steps.map((step) => `${step.name} ${step.result}`).join(', ');
  say(`the stratum 0 was killed while it published: ${result} (${steps})`);
  say(site.exec('stratum0', 'icefall-stratum0', 'check', REPOSITORY));
  await green(api, await forceAll(api));
  say('the next one is green');
}

/** Every container ends by itself when it is told to. */
export async function allEndWell(site: ComposeSite, services: readonly string[], say: Say): Promise<void> {
  for (const name of services) {
    const { code, signal } = await site.stop(name, STOP_LIMIT_MS);
    assert.equal(code, 0, `${name}, told to stop, ended with ${code ?? signal}`);
  }
  say(`${services.length} containers ended well when they were told to`);
}
