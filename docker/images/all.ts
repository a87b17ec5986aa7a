import type { Image } from '../image.ts';
import type { Platform } from '../platforms.ts';
import { masterImage } from './master.ts';
import { stratum0CvmfsImage, stratum0Image } from './stratum0.ts';
import { workerImage } from './worker.ts';

/** Every image of a site with these platforms. */
export function allImages(platforms: readonly Platform[]): Image[] {
  return [masterImage, stratum0Image, stratum0CvmfsImage, ...platforms.map(workerImage)];
}
