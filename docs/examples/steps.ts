import {
  addSteps,
  assertion,
  builder,
  computed,
  copyDirectory,
  downloadDirectory,
  downloadFile,
  factory,
  forceScheduler,
  git,
  interpolate,
  makeDirectory,
  masterCommand,
  prop,
  removeDirectory,
  setProperties,
  setProperty,
  setPropertyFromCommand,
  shell,
  site,
  source,
  trigger,
  triggerableScheduler,
  uploadDirectory,
  uploadFile,
  worker,
} from '@icefall/master/config';

const linux = worker({ name: 'linux', maxBuilds: 2 });
const repository = 'https://git.example.org/project.git';

// #region shell
const compile = shell({
  name: 'compile',
  command: ['make', '-j', prop('jobs', 4), computed(({ properties }) => (properties.debug ? ['DEBUG=1'] : []))],
  workdir: 'build/src',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the worker puts its own value in place of it
  env: { PATH: '/opt/gcc/bin:${PATH}', CFLAGS: '-O2', DISPLAY: null },
  idleTimeout: '1h',
  maxTime: '6h',
  maxLines: 1_000_000,
  killGrace: '30s',
  logFiles: { config: 'config.log', server: { path: '/var/log/server.log', follow: true } },
  exitCodes: { 0: 'SUCCESS', 2: 'WARNINGS', 75: 'RETRY' },
  haltOnFailure: true,
  warnOnWarnings: true,
});
const line = shell({ name: 'count', command: 'grep -c warning compile.log || true' });
// #endregion

// #region git
const checkout = git({
  name: 'checkout',
  mode: 'full',
  method: 'fresh',
  submodules: true,
  clobberOnFailure: true,
  retry: { delay: '10s', repeats: 3 },
  describe: ['--tags'],
});
const tools = git({ name: 'tools', codebase: 'tools', workdir: 'tools', shallow: true });
// #endregion

// #region directories
const directories = [
  makeDirectory({ path: 'build/out' }),
  copyDirectory({ from: 'build/share', to: 'build/out/share', maxTime: '5m' }),
  removeDirectory({ paths: ['old', interpolate`tmp-${prop('buildnumber')}`] }),
];
// #endregion

// #region transfer
const transfers = [
  downloadFile({ from: '/srv/icefall/keys.pub', to: 'keys.pub', mode: 0o444 }),
  downloadDirectory({ from: '/srv/icefall/templates', to: 'templates' }),
  uploadFile({
    from: 'out/project.tar.gz',
    to: interpolate`/srv/www/project/${prop('buildnumber')}/project.tar.gz`,
    maxBytes: 500_000_000,
    url: interpolate`https://www.example.org/project/${prop('buildnumber')}/project.tar.gz`,
  }),
  uploadDirectory({ from: 'out/html', to: '/srv/www/project/html' }),
];
// #endregion

// #region properties
const properties = [
  setProperty({ property: 'package', value: interpolate`project-${source('branch')}` }),
  setProperties({ properties: { mirror: 'eu', retries: 3 } }),
  setPropertyFromCommand({ name: 'version', property: 'version', command: ['./version'] }),
  setPropertyFromCommand({
    name: 'sizes',
    command: ['du', '-s', 'out'],
    extract: ({ stdout }) => ({ kilobytes: Number.parseInt(stdout, 10) || 0 }),
  }),
  assertion({
    check: computed(({ properties }) => Number(properties.kilobytes?.value) < 100_000),
    message: 'the package is larger than 100 MB',
  }),
];
// #endregion

// #region dynamic
const suites = [
  setPropertyFromCommand({
    name: 'suites',
    command: ['./list-suites'],
    extract: ({ stdout }) => ({ suites: stdout.split('\n').filter((name) => name !== '') }),
  }),
  addSteps({
    name: 'add suites',
    steps: ({ properties }) => {
      const names = properties.suites?.value;
      if (!Array.isArray(names)) return [];
      return names.map((name) => shell({ name: `suite ${name}`, command: ['./run-suite', String(name)] }));
    },
  }),
];
// #endregion

// #region master
const publishIndex = masterCommand({
  name: 'index',
  command: ['createrepo', '/srv/www/project'],
  workdir: '/srv/www',
  maxTime: '10m',
});
// #endregion

const other = builder({ name: 'other', workers: [linux], factory: factory([shell({ command: ['true'] })]) });
// #region trigger
const others = triggerableScheduler({ name: 'others', builders: [other] });
const startOthers = trigger({
  name: 'others',
  schedulers: [others],
  wait: true,
  properties: { version: prop('version'), parent: prop('buildnumber') },
  sourceStamps: 'same',
  unimportant: [others],
});
// #endregion

const project = builder({
  name: 'project',
  workers: [linux],
  factory: factory([
    checkout,
    tools,
    directories,
    compile,
    line,
    properties,
    suites,
    transfers,
    publishIndex,
    startOthers,
  ]),
});
const codebases = { '': { repository }, tools: { repository: 'https://git.example.org/tools.git', branch: 'main' } };

export default site({
  title: 'Every kind of step',
  workers: [linux],
  builders: [project, other],
  schedulers: [others, forceScheduler({ name: 'force', builders: [project], codebases })],
});
