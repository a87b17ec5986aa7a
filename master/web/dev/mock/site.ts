import { builderPlans } from './plans.ts';
import { schedulersOf } from './schedulers.ts';
import type { World } from './world.ts';

const HOUR = 3_600_000;

/** Fills an empty world with builders, workers, locks and schedulers. */
export function makeSite(world: World, extra: number, now: number): void {
  const plans = builderPlans(extra);
  for (const plan of plans) {
    world.plans.set(plan.name, plan);
    world.builders.set(plan.name, {
      name: plan.name,
      group: plan.group,
      description: plan.description,
      tags: [...plan.tags],
      workers: [...plan.workers],
      pendingRequests: 0,
      runningBuilds: 0,
      lastResult: null,
      forceSchedulers: [...plan.force],
    });
  }
  for (const name of new Set(plans.flatMap((plan) => plan.workers))) addWorker(world, name, now);
  for (const [name, maxCount] of [
    ['cvmfs_shared', 100],
    ['cvmfs_publish', 1],
    ['cpu', 6],
    ['gpu', 1],
  ] as const)
    world.locks.set(name, { name, scope: 'master', worker: null, maxCount, holders: [], waiters: [] });
  for (const scheduler of schedulersOf(plans, now)) world.schedulers.set(scheduler.name, scheduler);
}

function addWorker(world: World, name: string, now: number): void {
  const away = name === 'debian12';
  world.workers.set(name, {
    name,
    connected: !away,
    connectedSince: away ? null : now - 20 * HOUR,
    lastSeenAt: away ? now - 0.6 * HOUR : now,
    paused: false,
    leaving: false,
    maxBuilds: name === 'stratum0' ? 1 : 2,
    buildIds: [],
    builders: [...world.plans.values()].filter((plan) => plan.workers.includes(name)).map((plan) => plan.name),
    info: { platform: 'linux', arch: 'x64', cores: 8, version: '0.1.0', hostname: `${name}-7d9f` },
    lastRefusal: away ? 'its protocol is 3.0, this master speaks 1.x' : null,
  });
}
