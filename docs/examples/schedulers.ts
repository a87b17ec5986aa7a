import {
  anyBranchScheduler,
  builder,
  dependentScheduler,
  factory,
  forceScheduler,
  git,
  interpolate,
  nightlyScheduler,
  periodicScheduler,
  shell,
  singleBranchScheduler,
  site,
  source,
  textField,
  trigger,
  triggerableScheduler,
  worker,
} from '@icefall/master/config';

const repository = 'https://git.example.org/project.git';
const codebases = { '': { repository, branch: 'main' } };
const linux = worker({ name: 'linux', maxBuilds: 4 });
const builderOf = (name: string) =>
  builder({ name, workers: [linux], factory: factory([git({}), shell({ command: ['make', name] })]) });
const fast = builderOf('fast');
const packages = builderOf('packages');
const pages = builderOf('pages');
const clean = builderOf('clean');

// #region branch
const onMain = singleBranchScheduler({
  name: 'main',
  builders: [fast],
  changes: { branch: 'main', repository },
  treeStableTimer: '2m',
  isImportant: ({ files }) => files.some((file) => !file.startsWith('doc/')),
});
// #endregion

// #region branches
const onBranches = anyBranchScheduler({
  name: 'branches',
  builders: [fast],
  changes: { repository, branch: /feature\/|release\//, where: ({ author }) => author !== 'robot' },
  properties: { what: interpolate`branch ${source('branch')}` },
});
// #endregion

// #region dependent
const afterMain = dependentScheduler({ name: 'after_main', builders: [packages], upstream: onMain });
// #endregion

// #region periodic
const hourly = periodicScheduler({ name: 'hourly', builders: [clean], every: '1h', codebases });
// #endregion

// #region nightly
const nightly = nightlyScheduler({
  name: 'nightly',
  builders: [fast, packages],
  cron: '30 2 * * mon-fri',
  timeZone: 'Europe/Zurich',
  codebases,
  changes: { branch: 'main', repository },
  onlyIfChanged: true,
  missed: 'once',
});
// #endregion

// #region triggerable
const documentation = triggerableScheduler({ name: 'documentation', builders: [pages] });
const release = builder({
  name: 'release',
  workers: [linux],
  factory: factory([
    git({}),
    trigger({ name: 'documentation', schedulers: [documentation], wait: true, haltOnFailure: true }),
    shell({ name: 'announce', command: ['./announce'] }),
  ]),
});
// #endregion

// #region force
const byHand = forceScheduler({
  name: 'release',
  label: 'Make a release',
  button: 'Release',
  builders: [release],
  codebases,
  fields: [textField({ name: 'version', required: true, pattern: '[0-9]+\\.[0-9]+' })],
});
// #endregion

export default site({
  title: 'Every kind of scheduler',
  workers: [linux],
  builders: [fast, packages, pages, clean, release],
  schedulers: [onMain, onBranches, afterMain, hourly, nightly, documentation, byHand],
});
