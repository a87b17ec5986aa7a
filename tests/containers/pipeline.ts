import assert from 'node:assert/strict';
import { chownSync, cpSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { composeFile, LAPTOP_PLATFORMS, serviceName } from '@icefall/docker/compose';
import { imageName } from '@icefall/docker/image';
import { allImages } from '@icefall/docker/images/all';
import { PLATFORMS } from '@icefall/docker/platforms';
import { POLICY } from '@icefall/docker/policy';
import { TestApi } from '../support/api.ts';
import type { TestGround } from '../support/ground.ts';
import { ComposeSite } from './compose-site.ts';
import { BUILD_LIMIT_MS, connected, forced, PAGE } from './green-builds.ts';
import { allEndWell, masterRespawns, stratum0Respawns, workerRespawns } from './respawns.ts';

const SERVED = 'http://127.0.0.1:8000/cvmfs/software.icefall.example';
/** Of the reference implementation's own test. */
const KNOWN_HASH = 'c1628832147d9720c5bd1cfd61367078729f6dfb6f8fea9ff98158e0d7816ed0';

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
  await workerRespawns(site, api, say);
  await stratum0Respawns(site, api, say);
  backupAndRestore(site, say);
  await allEndWell(site, services, say);
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
