import { z } from 'zod';
import { defineStep, type StepKind } from '../kind.ts';
import { endByExitCode } from '../outcome.ts';
import { type ImageOptions, imageAction, imageSchema, imageShape, line } from './tools.ts';

export interface ImageTagOptions extends ImageOptions {
  readonly image: string;
  /** Other names for it. */
  readonly tags: readonly string[];
}

const tagSchema = z.strictObject({
  ...imageShape,
  image: imageSchema,
  tags: z.array(imageSchema).min(1, 'must name at least one'),
});
type Tag = z.output<typeof tagSchema>;

const tagKind: StepKind<Tag> = {
  name: 'imageTag',
  schema: tagSchema,
  flags: { haltOnFailure: true },
  begin: (options, run) =>
    imageAction(options, run, {
      purpose: 'other',
      buildah: [line('buildah', 'tag', options.image, ...options.tags)],
      docker: options.tags.map((tag) => line('docker', 'tag', options.image, tag)),
    }),
  end: ({ image }, outcome) => endByExitCode(`tag of ${image}`, outcome),
  describe: ({ image, tags }) => `tag ${image} as ${tags.join(', ')}`,
};

/** Gives an image that the worker has other names. */
export const imageTag = defineStep<Tag, ImageTagOptions>(tagKind);

export interface ImagePushOptions extends ImageOptions {
  /** Names of images; each is pushed to the registry that it names. */
  readonly images: readonly string[];
}

const pushSchema = z.strictObject({ ...imageShape, images: z.array(imageSchema).min(1, 'must name at least one') });
type Push = z.output<typeof pushSchema>;

const pushKind: StepKind<Push> = {
  name: 'imagePush',
  schema: pushSchema,
  flags: { haltOnFailure: true },
  begin: (options, run) =>
    imageAction(options, run, {
      purpose: 'other',
      buildah: options.images.map((image) => line('buildah', 'push', image)),
      docker: options.images.map((image) => line('docker', 'push', image)),
    }),
  end: ({ images }, outcome) => endByExitCode(`push of ${images.join(', ')}`, outcome),
  describe: ({ images }) => `push ${images.join(', ')}`,
};

/** Pushes images to their registries. */
export const imagePush = defineStep<Push, ImagePushOptions>(pushKind);
