import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Image, imageName, type VARIANTS } from '@icefall/docker/image';

const CERTIFICATES = '/run/npm-certificates.crt';
const PROJECT = join(import.meta.dirname, '..', '..');

/** Runs buildah; gives what it printed. Throws with what it said. */
export function buildah(...args: readonly string[]): string {
  return execFileSync('buildah', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim();
}

export function hasImage(name: string): boolean {
  return spawnSync('buildah', ['inspect', '--type', 'image', name], { stdio: 'ignore' }).status === 0;
}

/**
 * Settings of npm on this machine (a mirror, its certificate), which builds inside must have as well. The certificate is
 * mounted where no package of the image writes.
 */
function npmSettings(): string[] {
  const files = [join(homedir(), '.npmrc'), '/etc/npmrc'].filter((file) => existsSync(file));
  const text = files.map((file) => readFileSync(file, 'utf8')).join('\n');
  const certificates = /^cafile=(.+)$/m.exec(text)?.[1];
  const settings = join(mkdtempSync(join(tmpdir(), 'npm-settings-')), 'npmrc');
  writeFileSync(settings, text.replace(/^cafile=.*$/gm, `cafile=${CERTIFICATES}`));
  const volumes = [[settings, '/root/.npmrc'], ...(certificates === undefined ? [] : [[certificates, CERTIFICATES]])];
  return volumes.flatMap(([from, to]) => ['--volume', `${from}:${to}:ro`]);
}

export interface BuildOptions {
  /** Folder of the project; default this one. */
  readonly project?: string;
  /** Name to give it, if not its own. */
  readonly name?: string;
}

/** Builds a variant of an image from its Dockerfile; gives its name. */
export function buildImage(image: Image, variant: (typeof VARIANTS)[number], options: BuildOptions = {}): string {
  const { project = PROJECT, name = imageName(image, variant) } = options;
  const file = join(project, 'docker', 'dockerfiles', `${image.name}.Dockerfile`);
  execFileSync(
    'buildah',
    [
      ...['bud', '--quiet', '--layers', '--isolation', 'chroot', '--network', 'host', '--format', 'docker'],
      ...[...npmSettings(), '--target', variant, '--file', file, '--tag', name, project],
    ],
    { stdio: ['ignore', 2, 2] },
  );
  return name;
}
