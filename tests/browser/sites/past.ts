import { builder, factory, shell, site, worker } from '@icefall/master/config';

const w1 = worker({ name: 'w1' });

/** Builders of the names that a written history has; nothing runs. */
export default site({
  title: 'Past',
  workers: [w1],
  builders: ['project0', 'project1'].map((name) =>
    builder({ name, workers: [w1], factory: factory([shell({ name: 'build', command: ['true'] })]) }),
  ),
});
