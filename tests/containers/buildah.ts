import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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

/** How large an image is, unpacked: all its layers. */
export function sizeOf(name: string): string {
  return buildah('images', '--format', '{{.Size}}', name);
}

/** What the containers of this process are called, before what they are. */
export const CONTAINER_PREFIX = `icefall-${process.pid}-`;

/** Removes containers of runs that were killed before they could. */
export function removeLeftContainers(): void {
  const names = buildah('containers', '--noheading', '--format', '{{.ContainerName}}').split('\n');
  for (const name of names) {
    const pid = /^icefall-(\d+)-/.exec(name)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) buildah('rm', name);
  }
}

/**
 * Settings of npm on this machine (a mirror, its certificate), which builds inside must have as well. The certificate is
 * mounted where no package of the image writes.
 */
function npmSettings(folder: string): string[] {
  const files = [join(homedir(), '.npmrc'), '/etc/npmrc'].filter((file) => existsSync(file));
  const text = files.map((file) => readFileSync(file, 'utf8')).join('\n');
  const certificates = /^cafile=(.+)$/m.exec(text)?.[1];
  const settings = join(folder, 'npmrc');
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
  const settings = mkdtempSync(join(tmpdir(), 'icefall-npm-settings-'));
  try {
    execFileSync(
      'buildah',
      [
        ...[
          'bud',
          '--quiet',
          '--layers',
          '--force-rm',
          '--isolation',
          'chroot',
          '--network',
          'host',
          '--format',
          'docker',
        ],
        ...[...npmSettings(settings), '--target', variant, '--file', file, '--tag', name, project],
      ],
      { stdio: ['ignore', 2, 2] },
    );
  } finally {
    rmSync(settings, { recursive: true });
  }
  return name;
}
