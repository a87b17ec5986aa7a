import { projects, site, worker } from '@icefall/master/config';

const { GOOD = '', BROKEN = '' } = process.env;
const w1 = worker({ name: 'w1' });

/** Two repositories that declare their own pipelines, one of them wrongly. */
export default site({
  title: 'Projects',
  workers: [w1],
  builders: [],
  schedulers: [],
  projects: projects({
    repositories: [
      { name: 'widgets', repository: GOOD },
      { name: 'gears', repository: BROKEN },
    ],
    platforms: { debian12: [w1] },
  }),
});
