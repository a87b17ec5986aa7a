import { builder, cvmfsRsync, factory, forceScheduler, nightlyScheduler } from '@icefall/master/config';
import { sharedTree } from './locks.ts';
import { type Part, triggerNeeds } from './parts.ts';
import { settings } from './settings.ts';
import { publishSoftware } from './stratum0.ts';
import { checkoutPlatform } from './workers.ts';

const repository = settings.repositories.software.name;

/** Data that are copied from elsewhere every night and published with the software. */
export const dataParts: readonly Part[] = settings.data.map(({ name, source, path, cron }) => {
  const target = `${settings.paths.tree}/${repository}/${path}`;
  const copy = builder({
    name,
    group: 'data',
    description: `Copies ${source} and publishes it as ${path}`,
    workers: [checkoutPlatform.worker],
    collapseRequests: true,
    factory: factory([
      cvmfsRsync({ name: 'copy', from: source, to: `${target}/`, locks: [sharedTree.counting()] }),
      triggerNeeds([{ part: publishSoftware, properties: { path } }]),
    ]),
  });
  return {
    name,
    builders: [copy],
    schedulers: [
      nightlyScheduler({ name: `${name}_nightly`, builders: [copy], cron }),
      forceScheduler({ name: `force_${name}`, label: `Copy and publish ${path} now`, builders: [copy] }),
    ],
  };
});
