import assert from 'node:assert/strict';
import { cpSync, readFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { composeFile } from '@icefall/docker/compose';
import { imageName } from '@icefall/docker/image';
import { allImages } from '@icefall/docker/images/all';
import { masterImage } from '@icefall/docker/images/master';
import { workerImage } from '@icefall/docker/images/worker';
import { PLATFORMS, type Platform } from '@icefall/docker/platforms';
import { TestApi } from '../support/api.ts';
import type { TestGround } from '../support/ground.ts';
import { run } from '../support/process.ts';
import { PROGRAMS } from '../support/programs.ts';
import { buildah, buildImage } from './buildah.ts';
import { ComposeSite } from './compose-site.ts';
import { connected, forced, PAGE } from './green-builds.ts';

const PROJECT = resolve(import.meta.dirname, '../..');
const NOT_COPIED = new Set(['node_modules', 'dist', '.git', '.icefall']);
/** From the command to a green build, on a machine that does nothing else. */
const PROMISED_SECONDS = 300;
const FRESH: Platform = {
  name: 'fresh1',
  title: 'Fresh 1',
  base: 'docker.io/library/debian:13-slim',
  family: 'apt',
  spack: false,
};

/** A platform that nobody had before: the project with it, and names for its images that no others have. */
export interface NewPlatform {
  readonly worker: string;
  readonly master: string;
  readonly startedAt: number;
}

/** Adds a platform to a copy of the project with the one command, and builds what follows from it. */
export async function addNewPlatform(ground: TestGround, say: (line: string) => void): Promise<NewPlatform> {
  const project = ground.path('project');
  cpSync(PROJECT, project, { recursive: true, filter: (path) => !NOT_COPIED.has(basename(path)) });
  const startedAt = performance.timeOrigin + performance.now();
  const command = ['platform', 'add', FRESH.name, '--base', FRESH.base, '--title', FRESH.title, '--project', project];
  const added = await run(ground, { name: 'icefall platform add', command: [...PROGRAMS.icefall, ...command] });
  assert.equal(added.code, 0, added.stderr);
  assert.match(readFileSync(resolve(project, 'k8s/base', `worker-${FRESH.name}.yaml`), 'utf8'), /kind: Deployment/);
  say(added.stdout.trimEnd());
  const worker = buildImage(workerImage(FRESH), 'production', { project, name: 'localhost/icefall-fresh/worker' });
  const master = buildImage(masterImage, 'production', { project, name: 'localhost/icefall-fresh/master' });
  ground.atEnd(() => buildah('rmi', worker, master));
  say(`its worker's image and the master's are built: ${secondsSince(startedAt)} s`);
  return { worker, master, startedAt };
}

/** Brings the site with the new platform up, and builds on it: green. */
export async function buildOnNewPlatform(
  ground: TestGround,
  added: NewPlatform,
  say: (line: string) => void,
): Promise<void> {
  const platforms = [...PLATFORMS, FRESH];
  const images = new Map(allImages(platforms).map((image) => [imageName(image), image]));
  const references = new Map([
    [imageName(masterImage), added.master],
    [imageName(workerImage(FRESH)), added.worker],
  ]);
  const file = composeFile(platforms, [FRESH.name]);
  const settings = { platforms: [FRESH.name] };
  const site = new ComposeSite(ground, file, images, references, settings);
  const api = new TestApi(PAGE);
  await site.once('setup');
  for (const name of Object.keys(file.services).filter((service) => service !== 'setup')) site.start(name);
  await connected(api, 2);
  const builds = await forced(api, 'base_v1.0.0');
  assert.ok(builds.some(({ builder }) => builder === `${FRESH.name}_builder`));
  const seconds = secondsSince(added.startedAt);
  const builders = builds.map(({ builder }) => builder).join(', ');
  say(
    `a new platform, from the command to the green build: ${seconds} s (${builders}); ${PROMISED_SECONDS} are promised`,
  );
}

/** Of the wall clock, which two processes share. */
function secondsSince(startedAt: number): number {
  return Math.round((performance.timeOrigin + performance.now() - startedAt) / 1000);
}
