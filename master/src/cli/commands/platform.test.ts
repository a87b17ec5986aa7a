import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { run } from '../program.ts';
import { fakeTerminal } from '../testing/fake-terminal.ts';

const PROJECT = resolve(import.meta.dirname, '../../../..');
const PARTS = ['docker/platforms.ts', 'docker/compose.yaml', 'docker/laptop.settings.json', 'docker/dockerfiles'];

let project: string;
beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), 'platforms-'));
  for (const part of [...PARTS, 'k8s/base', 'k8s/overlays', 'config/embedded/build-scripts/platforms'])
    cpSync(join(PROJECT, part), join(project, part), { recursive: true });
});
afterEach(() => rmSync(project, { recursive: true }));

const text = (path: string) => readFileSync(join(project, path), 'utf8');

async function icefall(...args: string[]) {
  const terminal = fakeTerminal({ cwd: project });
  const code = await run([...args, '--project', project], terminal);
  return { code, ...terminal.written };
}

describe('icefall platform', () => {
  test('add writes the entry, the image, the manifests, the compiler flags and the place in the settings', async () => {
    const { code, out } = await icefall(
      'platform',
      'add',
      'rocky9',
      '--base',
      'docker.io/library/rockylinux:9',
      '--spack',
    );
    expect(code).toBe(0);
    expect(out).toContain('docker/dockerfiles/worker-rocky9.Dockerfile');
    expect(text('docker/platforms.ts')).toContain(
      "{ name: 'rocky9', title: 'rocky9', base: 'docker.io/library/rockylinux:9', family: 'dnf', spack: true },",
    );
    expect(text('docker/dockerfiles/worker-rocky9.Dockerfile')).toMatch(
      /FROM docker\.io\/library\/rockylinux:9 AS base\nRUN dnf/,
    );
    expect(text('k8s/base/worker-rocky9.yaml')).toContain('rocky9.token');
    expect(text('k8s/base/kustomization.yaml')).toContain('worker-rocky9.yaml');
    expect(JSON.parse(text('k8s/base/settings.json')).platforms).toContain('rocky9');
    expect(text('config/embedded/build-scripts/platforms/rocky9.sh')).toContain('CFLAGS');
    expect((await icefall('k8s', 'render', '--check')).code).toBe(0);
    expect((await icefall('images', 'render', '--check')).code).toBe(0);
  });

  test('remove takes all of it away again, to the byte', async () => {
    const before = [text('docker/platforms.ts'), text('k8s/base/kustomization.yaml')];
    const title = 'A platform whose entry is too long for one line of the table';
    await icefall(
      'platform',
      'add',
      'debian14',
      '--base',
      'docker.io/library/debian:14-slim',
      '--title',
      title.slice(0, 60),
    );
    expect(text('docker/platforms.ts')).toMatch(/ {2}\{\n {4}name: 'debian14',/);
    expect((await icefall('platform', 'remove', 'debian14')).code).toBe(0);
    expect([text('docker/platforms.ts'), text('k8s/base/kustomization.yaml')]).toEqual(before);
    for (const path of [
      'docker/dockerfiles/worker-debian14.Dockerfile',
      'k8s/base/worker-debian14.yaml',
      'config/embedded/build-scripts/platforms/debian14.sh',
    ])
      expect(existsSync(join(project, path)), path).toBe(false);
  });

  test('refuses what cannot be, and then writes nothing', async () => {
    const before = text('docker/platforms.ts');
    const refused = async (...args: string[]) => {
      const { code, err } = await icefall('platform', ...args);
      expect(code).not.toBe(0);
      return err;
    };
    expect(await refused('add', 'debian12', '--base', 'docker.io/library/debian:12')).toContain('"debian12" already');
    expect(await refused('add', 'x', '--base', 'docker.io/library/debian:latest')).toContain('not "latest"');
    expect(await refused('add', 'x', '--base', 'docker.io/library/slackware:15')).toContain('--family apt or dnf');
    expect(await refused('add', 'X 1', '--base', 'docker.io/library/debian:12')).toContain('lower-case');
    expect(await refused('add', 'x', '--base', 'docker.io/library/debian:12', '--title', "it's")).toContain(
      'without quotes',
    );
    expect(await refused('remove', 'beos')).toContain('there are: alma8, alma9');
    expect(text('docker/platforms.ts')).toBe(before);
  });
});

describe('icefall k8s render', () => {
  test('names what is not as the table says, and mends it', async () => {
    rmSync(join(project, 'k8s/base/master.yaml'));
    cpSync(join(project, 'k8s/base/site.yaml'), join(project, 'k8s/base/old.yaml'));
    const checked = await icefall('k8s', 'render', '--check');
    expect(checked).toMatchObject({ code: 1, out: expect.stringContaining('k8s/base/master.yaml: missing') });
    expect(checked.out).toContain('k8s/base/old.yaml: left over');
    expect((await icefall('k8s', 'render')).out).toContain('k8s/base/old.yaml: removed');
    expect((await icefall('k8s', 'render', '--check')).code).toBe(0);
  });

  test('says where it looks for the table', async () => {
    rmSync(join(project, 'docker/platforms.ts'));
    expect((await icefall('k8s', 'render')).err).toContain("give the project's folder with --project");
  });
});
