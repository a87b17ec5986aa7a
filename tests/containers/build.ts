import { allImages } from '@icefall/docker/images/all';
import { PLATFORMS } from '@icefall/docker/platforms';
import { canMake, makeBases } from './bases.ts';
import { buildah, buildImage, CONTAINER_PREFIX, sizeOf } from './buildah.ts';

/**
 * `npm run containers:build -- [NAME…]`: builds the images whose bases can be made here, runs the test variant of each,
 * and says which were left out.
 */
const chosen = process.argv.slice(2);
const images = allImages(PLATFORMS).filter(({ name }) => chosen.length === 0 || chosen.includes(name));
const basesOf = (image: (typeof images)[number]) => image.stages.map(({ on }) => on).filter((on) => on.includes('/'));

for (const image of images) {
  const lacking = basesOf(image).filter((base) => !canMake(base));
  if (lacking.length > 0) {
    console.log(`${image.name}: not built: ${lacking.join(', ')} cannot be made here`);
    continue;
  }
  const started = performance.now();
  makeBases(basesOf(image));
  const test = buildImage(image, 'test');
  const container = buildah('from', '--name', `${CONTAINER_PREFIX}test-${image.name}`, test);
  try {
    const entrypoint = image.stages.find(({ name }) => name === 'test')?.entrypoint ?? [];
    console.log(buildah('run', '--isolation', 'chroot', '--network', 'host', container, '--', ...entrypoint));
  } finally {
    buildah('rm', container);
  }
  const production = buildImage(image, 'production');
  const seconds = Math.round((performance.now() - started) / 1000);
  console.log(`${image.name}: built and tested in ${seconds} s: ${sizeOf(production)}`);
}
