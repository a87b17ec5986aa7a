import {
  builder,
  factory,
  forceScheduler,
  type LockAccess,
  masterLock,
  prop,
  shell,
  site,
  trigger,
  triggerableScheduler,
  worker,
  workerLock,
} from '@icefall/master/config';
import { STAMPED } from '../stamps.ts';

const file = process.env.STAMPS ?? '/dev/null';
const north = worker({ name: 'north', maxBuilds: 4 });
const south = worker({ name: 'south', maxBuilds: 4 });
const pair = worker({ name: 'pair', maxBuilds: 2 });

const tree = masterLock('tree', { maxCount: 3 });
const disk = workerLock('disk');

/** Waits until `together` of its kind have begun: if the lock kept them apart, it would never end. */
const stamped = (name: string, locks: LockAccess[], together = 1) =>
  shell({
    name,
    command: [...STAMPED, file, name, prop('workername'), together],
    locks,
    maxTime: '60s',
    haltOnFailure: true,
  });

const one = (name: string, locks: LockAccess[], together?: number) =>
  builder({ name, workers: [north, south], factory: factory([stamped(name, locks, together)]) });
const counting = one('counting', [tree.counting()], 3);
const exclusive = one('exclusive', [tree.exclusive()]);
const onDisk = one('on_disk', [disk.exclusive()], 2);

const children = ['child_a', 'child_b'].map((name) =>
  builder({ name, workers: [pair], factory: factory([stamped(name, [tree.counting()])]) }),
);
const all = triggerableScheduler({ name: 'children', builders: children });
const parent = builder({
  name: 'parent',
  workers: [pair],
  factory: factory([
    stamped('sources', [tree.exclusive()]),
    // Both parents sit on the two slots before either asks for children.
    stamped('meet', [], 2),
    trigger({ name: 'children', schedulers: [all], wait: true }),
    stamped('after', [tree.exclusive()]),
  ]),
});
const builders = [counting, exclusive, onDisk, parent];

export default site({
  title: 'Locks',
  workers: [north, south, pair],
  builders: [...builders, ...children],
  schedulers: [all, ...builders.map((target) => forceScheduler({ name: target.name, builders: [target] }))],
});
