import {
  builder,
  computed,
  factory,
  forceScheduler,
  masterLock,
  prop,
  shell,
  site,
  worker,
  workerLock,
} from '@icefall/master/config';

// #region declare
/** The tree that all builds write below: many write at once, a publisher needs it alone. */
const tree = masterLock('tree', { maxCount: 100, alarmAfter: '6h' });
/** One for each worker: two heavy steps at once, four on the large machine. */
const cpu = workerLock('cpu', { maxCount: 2, maxCountForWorker: { large: 4 } });
/** One publish at a time. */
const publishing = masterLock('publishing');
// #endregion

const small = worker({ name: 'small', maxBuilds: 4 });
const large = worker({ name: 'large', maxBuilds: 8 });
const stratum0 = worker({ name: 'stratum0' });

// #region use
const build = builder({
  name: 'build',
  workers: [small, large],
  factory: factory([
    shell({ name: 'build', command: ['./build.sh'], locks: [tree.counting(), cpu.counting(2)], haltOnFailure: true }),
  ]),
});
// #endregion

// #region publish
const isBad = computed(({ resultSoFar }) => resultSoFar !== 'SUCCESS' && resultSoFar !== 'WARNINGS');
const publish = builder({
  name: 'publish',
  workers: [stratum0],
  locks: [tree.exclusive(), publishing.exclusive()],
  env: { FENCE: prop('lock_fence', '') },
  factory: factory([
    shell({ name: 'begin', command: ['./transaction', 'begin'], retryable: false, haltOnFailure: true }),
    shell({ name: 'publish', command: ['./transaction', 'publish'], retryable: false, haltOnFailure: true }),
    shell({ name: 'abort', command: ['./transaction', 'abort'], retryable: false, alwaysRun: true, doStepIf: isBad }),
  ]),
});
// #endregion

export default site({
  title: 'Locks',
  workers: [small, large, stratum0],
  builders: [build, publish],
  schedulers: [
    forceScheduler({ name: 'build', builders: [build] }),
    forceScheduler({ name: 'publish', builders: [publish] }),
  ],
});
