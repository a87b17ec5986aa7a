import {
  builder,
  cvmfsGarbageCollect,
  cvmfsRepository,
  cvmfsRsync,
  cvmfsTransaction,
  factory,
  nightlyScheduler,
  prop,
  site,
  triggerableScheduler,
  worker,
} from '@icefall/master/config';

const stratum0 = worker({ name: 'stratum0' });

// #region publish
const software = cvmfsRepository({ name: 'software.example.org' });

const publish = builder({
  name: 'publish',
  workers: [stratum0],
  factory: factory([
    cvmfsTransaction({
      repository: software,
      path: prop('path'),
      steps: [
        cvmfsRsync({
          from: prop('source'),
          repository: software,
          path: prop('path'),
          deleteLimit: 0.3,
        }),
      ],
    }),
  ]),
});

const collect = builder({
  name: 'collect',
  workers: [stratum0],
  factory: factory([cvmfsGarbageCollect({ repository: software })]),
});
// #endregion

export default site({
  title: 'Publishing',
  workers: [stratum0],
  builders: [publish, collect],
  schedulers: [
    triggerableScheduler({ name: 'publish', builders: [publish] }),
    nightlyScheduler({ name: 'collect', builders: [collect], cron: '0 5 * * *' }),
  ],
});
