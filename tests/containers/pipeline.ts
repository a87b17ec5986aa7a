import assert from 'node:assert/strict';
import { chownSync, cpSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { composeFile, LAPTOP_PLATFORMS, serviceName } from '@icefall/docker/compose';
import { imageName } from '@icefall/docker/image';
import { allImages } from '@icefall/docker/images/all';
import { PLATFORMS } from '@icefall/docker/platforms';
import { POLICY } from '@icefall/docker/policy';
import type { Build, Buildset } from '@icefall/shared';
import { TestApi } from '../support/api.ts';
import type { TestGround } from '../support/ground.ts';
import { lastLines } from '../support/process.ts';
import { ComposeSite } from './compose-site.ts';

const PAGE = 'http://127.0.0.1:8010';
const SERVED = 'http://127.0.0.1:8000/cvmfs/software.icefall.example';
/** Of the reference implementation's own test. */
const KNOWN_HASH = 'c1628832147d9720c5bd1cfd61367078729f6dfb6f8fea9ff98158e0d7816ed0';
/** Compilers of three platforms on two cores. */
const BUILD_LIMIT_MS = 600_000;

/** The laptop's site in containers: a green pipeline, results that run, respawns, backup and restore. */
export async function pipelineInContainers(ground: TestGround, say: (line: string) => void): Promise<void> {
  const images = new Map(allImages(PLATFORMS).map((image) => [imageName(image), image]));
  const file = composeFile(PLATFORMS, LAPTOP_PLATFORMS);
  const site = new ComposeSite(ground, file, images);
  const api = new TestApi(PAGE);
  const services = Object.keys(file.services).filter((name) => name !== 'setup');

  await site.once('setup');
  for (const name of services) site.start(name);
  await connected(api, LAPTOP_PLATFORMS.length + 1);
  await api.waitFor(
    'every container to be healthy',
    async () => (services.every((name) => site.isHealthy(name)) ? true : null),
    BUILD_LIMIT_MS,
  );
  say(`${services.length} containers are healthy`);

  const builds = await forced(api, 'base_v1.0.0');
  runEverywhere(site, say);
  assert.equal((await fetch(`${SERVED}/.cvmfspublished`)).status, 200);
  say(`green: ${builds.map(({ builder }) => builder).join(', ')}`);

  await masterRespawns(site, api, say);
  backupAndRestore(site, say);
}

/** What was published runs on its platform, and what the oldest one built runs on all. */
function runEverywhere(site: ComposeSite, say: (line: string) => void): void {
  const published = join(site.volume('stratum0'), 'mount/software.icefall.example/base-v1.0.0');
  cpSync(published, join(site.volume('tree'), 'published'), { recursive: true, verbatimSymlinks: true });
  const hash = (on: string, of: string) =>
    site.exec(serviceName(on), `/cvmfs/published/${of}/bin/argon2sum`, 'password', 'somesalt');
  const compilers = LAPTOP_PLATFORMS.map((platform) => {
    assert.equal(hash(platform, platform), KNOWN_HASH);
    assert.equal(hash(platform, LAPTOP_PLATFORMS[0] ?? platform), KNOWN_HASH);
    const compiler = readFileSync(join(published, platform, 'share/toolchain.txt'), 'utf8').split('\n')[1] ?? '';
    say(
      `${platform}: ${compiler}; ${site.exec(serviceName(platform), 'getconf', 'GNU_LIBC_VERSION')}; what it published runs`,
    );
    return compiler;
  });
  assert.equal(new Set(compilers).size, LAPTOP_PLATFORMS.length, 'each platform has a compiler of its own');
}

export async function connected(api: TestApi, workers: number): Promise<void> {
  await api.waitFor(
    `${workers} workers`,
    async () => ((await api.snapshot()).status.workersConnected === workers ? true : null),
    BUILD_LIMIT_MS,
  );
}

/** Presses the button, waits for the end of all that it starts; every build must be green. */
export async function forced(api: TestApi, variant: string): Promise<Build[]> {
  const buildset = await api.force('force', { values: { variant } });
  return green(api, buildset);
}

async function green(api: TestApi, buildset: Pick<Buildset, 'id' | 'requestIds'>): Promise<Build[]> {
  await api.finished(buildset, BUILD_LIMIT_MS);
  const builds = await api.buildsOf(buildset);
  for (const { builder, steps } of builds)
    for (const step of steps.filter(({ result }) => result === 'FAILURE' || result === 'EXCEPTION'))
      for (const { id, name } of step.logs) {
        const text = await (await fetch(`${PAGE}/api/v1/logs/${id}/raw`)).text();
        console.error(`${builder}, ${step.name}, ${name}:\n${lastLines(text)}`);
      }
  assert.deepEqual(
    builds.filter(({ result }) => result !== 'SUCCESS').map(({ builder, result }) => `${builder} ${result}`),
    [],
  );
  return builds;
}

/** The master's container goes in the middle of everything, and a new one comes. */
async function masterRespawns(site: ComposeSite, api: TestApi, say: (line: string) => void): Promise<void> {
  const buildset = await api.force('force', { values: { variant: 'tools_v1.1.0_metaproject' } });
  await api.waitFor(
    'platform builds',
    async () => ((await api.snapshot()).status.runningBuilds > 1 ? true : null),
    BUILD_LIMIT_MS,
  );
  await site.kill('master');
  site.start('master');
  const builds = await green(api, buildset);
  assert.ok(
    builds.every(({ attempt }) => attempt === 1),
    'no build was begun again',
  );
  say('the master was killed in the middle and came back: green, and nothing was done twice');
}

/** What the side-car of the cluster does, and what a person does with it afterwards. */
function backupAndRestore(site: ComposeSite, say: (line: string) => void): void {
  const target = site.volume('master');
  mkdirSync(`${target}/backups`, { recursive: true });
  chownSync(`${target}/backups`, POLICY.user.uid, POLICY.user.uid);
  const state = '/var/lib/icefall';
  for (let i = 0; i < 2; i += 1)
    site.exec('master', 'sh', '/opt/icefall/docker/files/backup.sh', state, `${state}/backups`, 'once');
  const newest = site.exec('master', 'cat', `${state}/backups/newest`);
  say(site.exec('master', 'icefall', 'restore', `${state}/backups/${newest}`, '--to', `${state}/again`));
  say(site.exec('master', 'icefall', 'verify', `${state}/again`));
}
