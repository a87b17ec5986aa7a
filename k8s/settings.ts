import { EMBEDDED } from '@icefall/docker/compose';
import type { Platform } from '@icefall/docker/platforms';

/**
 * The settings of the shipped site in a cluster (config/settings.ts says what there is). What is left out has the
 * defaults; repository, address and servers are a site's own and stand here to be replaced.
 */
export function siteSettings(platforms: readonly Platform[]) {
  return {
    title: 'Software for every platform',
    url: 'https://icefall.example.org',
    timeZone: 'UTC',
    scripts: { repository: 'https://git.example.org/software/build-scripts.git', poll: '300s' },
    platforms: platforms.map(({ name }) => name),
    worker: { cpus: 4, memoryMb: 8000, tokens: '/run/icefall/tokens' },
    ...EMBEDDED,
  };
}
