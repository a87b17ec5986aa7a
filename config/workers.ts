import { PLATFORMS } from '@icefall/docker/platforms';
import { type WorkerDeclaration, worker } from '@icefall/master/config';
import { settings } from './settings.ts';

function token(name: string) {
  return settings.worker.tokens === null ? {} : { token: { file: `${settings.worker.tokens}/${name}.token` } };
}

/** The platforms of this site with the worker of each. */
export const platforms = PLATFORMS.filter((platform) => settings.platforms.includes(platform.name)).map((platform) => ({
  ...platform,
  worker: worker({
    name: platform.name,
    maxBuilds: 2,
    properties: {
      platform: platform.name,
      CPUS: String(settings.worker.cpus),
      MEMORY: String(settings.worker.memoryMb),
    },
    ...token(platform.name),
  }),
}));

const chosen = platforms.find((platform) => platform.name === settings.checkoutPlatform) ?? platforms[0];
if (chosen === undefined) throw new Error('the settings name no platform');

/** The platform whose worker also does what is done once for all platforms. */
export const checkoutPlatform = chosen;

/** Runs transactions, one after the other. */
export const stratum0Worker: WorkerDeclaration = worker({ name: 'stratum0', maxBuilds: 1, ...token('stratum0') });
