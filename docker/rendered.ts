import { compose, LAPTOP_PLATFORMS, laptopSettings } from './compose.ts';
import { renderDockerfile } from './dockerfile.ts';
import { allImages } from './images/all.ts';
import type { Platform } from './platforms.ts';

/** A file that is made from the table: its path below the project, and its text. */
export interface RenderedFile {
  readonly path: string;
  readonly text: string;
}

/** Folders of docker/ that hold nothing but rendered files. */
export const RENDERED_IMAGES = ['docker/dockerfiles'] as const;

/** Everything below `docker/` that follows from the table of platforms. */
export function renderedImages(platforms: readonly Platform[]): RenderedFile[] {
  return [
    ...allImages(platforms).map((image) => ({
      path: `docker/dockerfiles/${image.name}.Dockerfile`,
      text: renderDockerfile(image),
    })),
    { path: 'docker/compose.yaml', text: compose(platforms, LAPTOP_PLATFORMS) },
    {
      path: 'docker/laptop.settings.json',
      text: `${JSON.stringify(laptopSettings(platforms, LAPTOP_PLATFORMS), null, 2)}\n`,
    },
  ];
}
