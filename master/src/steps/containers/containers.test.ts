import { describe, expect, test } from 'vitest';
import { interpolate, prop } from '../../properties/references.ts';
import { secret } from '../../secrets/reference.ts';
import { anOutcome, aRun, mistakesIn } from '../test-run.ts';
import { helmUpgrade } from './helm-upgrade.ts';
import { imageBuild } from './image-build.ts';
import { imagePush, imageTag } from './image-push.ts';
import { imageRun } from './image-run.ts';
import { FakePrograms } from './test-programs.ts';

const IMAGE = 'registry.example.org:5000/group/app:1.2';
const plain = (calls: string[][]) => calls.map((words) => words.slice(0, -1).join(' '));
const WORDS = 'it\'s $HOME "quoted" `id` ; rm -rf /';

describe('an image is built', () => {
  const step = imageBuild({
    image: IMAGE,
    target: 'test',
    buildArgs: { V: WORDS },
    labels: { 'org.x': 'y' },
    pull: true,
  });

  test.each([
    ['buildah', ['buildah', 'docker'], 'build --layers --pull-always'],
    ['docker', ['docker'], 'build --pull'],
  ] as const)('by %s where the worker has %j', (tool, has, verb) => {
    const { status, calls, output } = new FakePrograms(...has).run(step);
    expect(status, output).toBe(0);
    expect(plain(calls)).toEqual([
      `${tool} ${verb} --tag ${IMAGE} --file Dockerfile --target test --build-arg V=${WORDS} --label org.x=y .`,
    ]);
  });

  test('by the tool that is named, though there is another', () => {
    const { calls } = new FakePrograms('buildah', 'docker').run(imageBuild({ image: IMAGE, tool: 'docker' }));
    expect(calls.map(([program]) => program)).toEqual(['docker']);
  });

  test('and pushed in one step by kaniko, which can do nothing else', () => {
    const programs = new FakePrograms('executor');
    const { calls, status } = programs.run(imageBuild({ image: IMAGE, push: true }));
    expect(status).toBe(0);
    expect(plain(calls)).toEqual([
      `executor --context dir://${programs.directory} --destination ${IMAGE} --dockerfile Dockerfile`,
    ]);
    const kept = new FakePrograms('executor').run(imageBuild({ image: IMAGE, tool: 'kaniko' }));
    expect(kept).toMatchObject({ status: 64, output: expect.stringContaining('say push: true') });
    const run = new FakePrograms('executor').run(imageRun({ image: IMAGE, tool: 'kaniko' }));
    expect(run).toMatchObject({ status: 64, output: expect.stringContaining('with buildah or docker') });
  });

  test('nowhere, where there is no tool: the step says what to do', () => {
    const { status, output } = new FakePrograms().run(step);
    expect([status, output]).toEqual([127, expect.stringContaining('neither buildah nor docker')]);
  });

  test('or fails with its tool, and is not pushed then', () => {
    const programs = new FakePrograms('buildah');
    programs.fail('buildah', 3);
    const { status, calls } = programs.run(imageBuild({ image: IMAGE, push: true }));
    expect([status, calls.length]).toEqual([3, 1]);
    expect(step.prepare(aRun()).end(anOutcome({ exitCode: 3 }))).toMatchObject({ result: 'FAILURE' });
  });
});

describe('an image runs', () => {
  test('its entry point, which buildah has to be told, and its container is removed', () => {
    const { calls, status } = new FakePrograms('buildah').run(imageRun({ image: IMAGE, variables: { A: WORDS } }));
    expect(status).toBe(0);
    const [from, inspect, run, rm] = plain(calls);
    expect(from).toMatch(new RegExp(`^buildah from --name icefall-\\d+-\\d+ ${IMAGE}$`));
    expect(inspect).toContain('buildah inspect --type image');
    expect(run).toMatch(/ -- \/entry point two$/);
    expect(run).toContain(`-e A=${WORDS}`);
    expect(rm).toMatch(/^buildah rm icefall-/);
  });

  test('another command in place of it, with directories of the build', () => {
    const programs = new FakePrograms('docker');
    const options = {
      image: IMAGE,
      command: ['make', WORDS],
      volumes: ['out:/out', '/srv:/srv:ro'],
      network: 'none',
    } as const;
    const { calls } = programs.run(imageRun(options));
    expect(plain(calls)[0]).toMatch(/^docker run --name icefall-/);
    expect(plain(calls)[0]).toContain(
      `--network none -v ${programs.directory}/out:/out -v /srv:/srv:ro --entrypoint make ${IMAGE} ${WORDS}`,
    );
    expect(plain(calls)[1]).toMatch(/^docker rm -f icefall-/);
  });

  test('and its container is removed also where it fails', () => {
    const programs = new FakePrograms('docker');
    programs.fail('docker', 9);
    const { status, calls } = programs.run(imageRun({ image: IMAGE }));
    expect([status, calls.at(-1)?.[1]]).toEqual([9, 'rm']);
  });
});

describe('an image is tagged and pushed', () => {
  const tags = [`${IMAGE}-rc1`, 'registry.example.org:5000/group/app:latest'];

  test.each(['buildah', 'docker'] as const)('with %s', (tool) => {
    const programs = new FakePrograms(tool);
    programs.run(imageTag({ image: IMAGE, tags }));
    const { calls } = programs.run(imagePush({ images: tags }));
    const tagged =
      tool === 'buildah' ? [`buildah tag ${IMAGE} ${tags.join(' ')}`] : tags.map((tag) => `docker tag ${IMAGE} ${tag}`);
    expect(plain(calls)).toEqual([...tagged, ...tags.map((tag) => `${tool} push ${tag}`)]);
  });

  test('by somebody who signs in with a secret that no command line and no remaining file holds', () => {
    const login = { registry: 'registry.example.org:5000', user: 'ci', password: secret('registry') };
    const programs = new FakePrograms('docker');
    const { calls, output } = programs.run(imagePush({ images: [IMAGE], login }), {
      ICEFALL_REGISTRY_PASSWORD: 'hush-hush',
    });
    const [words = [], auth = ''] = [calls[0]?.slice(0, 3), calls[0]?.[4]];
    expect(words).toEqual(['docker', 'push', IMAGE]);
    expect(JSON.parse(auth)).toEqual({
      auths: { 'registry.example.org:5000': { auth: Buffer.from('ci:hush-hush').toString('base64') } },
    });
    expect(output).not.toContain('hush-hush');
    expect(
      JSON.stringify(
        imagePush({ images: [IMAGE], login })
          .prepare(aRun())
          .begin(),
      ),
    ).not.toContain('hush-hush');
  });
});

describe('a release is upgraded', () => {
  test('by Helm, with values as the texts that they are, and goes back where it does not become ready', () => {
    const options = {
      ...{ release: 'app', chart: './chart', namespace: 'staging', createNamespace: true, valueFiles: ['a.yaml'] },
      ...{ values: { 'image.tag': '1.2,x={y}' }, timeout: '5m' as const },
    } as const;
    const { calls, status, output } = new FakePrograms('helm').run(helmUpgrade(options));
    expect(status, output).toBe(0);
    expect(plain(calls)).toEqual([
      'helm upgrade --install app ./chart --namespace staging --create-namespace --values a.yaml --set-literal image.tag=1.2,x={y} --wait --atomic --timeout 300s',
    ]);
  });

  test('once: it is not repeated where its worker is lost', () => {
    expect(helmUpgrade({ release: 'app', chart: 'c' }).retryable).toBe(false);
    expect(helmUpgrade({ release: 'app', chart: 'c', retryable: true }).retryable).toBe(true);
  });
});

describe('options', () => {
  test.each([
    [() => imageBuild({ image: '--privileged' }), 'must be the name of an image'],
    [() => imageBuild({ image: 'a b' }), 'must be the name of an image'],
    [() => imageRun({ image: 'app', volumes: ['/etc'] }), 'must be HOST:CONTAINER'],
    [() => imageTag({ image: 'app', tags: [] }), 'must name at least one'],
    [() => helmUpgrade({ release: 'My App', chart: 'c' }), 'must be of lower-case letters'],
    [() => helmUpgrade({ release: 'app', chart: '--kubeconfig=/x' }), 'must be text that does not begin with -'],
  ])('that would be something else to a program are refused: %s', (declare, message) => {
    expect(mistakesIn(declare).join()).toContain(message);
  });

  test('may be references, checked when they are known', () => {
    const step = imageBuild({ image: interpolate`app:${prop('tag')}` });
    expect(step.prepare(aRun({ properties: { tag: '7' } })).description).toBe('build app:7');
    expect(() => step.prepare(aRun({ properties: { tag: '-x y' } }))).toThrow('must be the name of an image');
  });
});
