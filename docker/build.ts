import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { imageName } from './image.ts';
import { allImages } from './images/all.ts';
import { PLATFORMS } from './platforms.ts';

/**
 * `npm run images -- [NAME…]`: builds the images, or those named, with whatever builds images on this machine. Each
 * first as its test variant, whose entry point must end well; only then as production.
 */
const BUILDERS = ['docker', 'podman'] as const;
const PROJECT = join(import.meta.dirname, '..');

function run(program: string, ...args: readonly string[]): void {
  const { status, signal } = spawnSync(program, args, { cwd: PROJECT, stdio: 'inherit' });
  if (status !== 0) throw new Error(`"${program} ${args.join(' ')}" ended with ${status ?? signal}`);
}

const builder = BUILDERS.find((program) => spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0);
if (builder === undefined)
  throw new Error(`none of ${BUILDERS.join(', ')} is here; with buildah alone: npm run containers:build`);
const names = process.argv.slice(2);
const images = allImages(PLATFORMS);
const unknown = names.filter((name) => !images.some((image) => image.name === name));
if (unknown.length > 0)
  throw new Error(`there is no image ${unknown.join(', ')}; there are: ${images.map(({ name }) => name).join(', ')}`);

for (const image of images.filter(({ name }) => names.length === 0 || names.includes(name))) {
  const build = (variant: 'test' | 'production') => {
    const tag = imageName(image, variant);
    run(
      builder,
      'build',
      '--file',
      `docker/dockerfiles/${image.name}.Dockerfile`,
      '--target',
      variant,
      '--tag',
      tag,
      '.',
    );
    return tag;
  };
  run(builder, 'run', '--rm', build('test'));
  process.stdout.write(`${build('production')} is built\n`);
}
