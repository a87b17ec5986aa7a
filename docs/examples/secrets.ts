import {
  builder,
  factory,
  git,
  type SecretsOptions,
  secret,
  secretsFrom,
  shell,
  site,
  worker,
} from '@icefall/master/config';

const linux = worker({ name: 'linux' });
const repository = 'https://git.example.org/group/project.git';

// #region steps
const steps = [
  // The variables of Git's own that set one more value of its configuration.
  git({
    repository,
    env: { GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'http.extraHeader', GIT_CONFIG_VALUE_0: secret('git-header') },
  }),
  shell({
    name: 'upload',
    command: ['rsync', '-a', 'out/', 'deploy@files.example.org:/srv/project/'],
    secretFiles: { KEY: secret('deploy-key') },
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the worker puts the path of the file in place of it
    env: { RSYNC_RSH: 'ssh -i ${KEY}' },
  }),
  shell({ name: 'log in', command: ['registry', 'login', '--password-stdin'], stdin: secret('ci/registry:password') }),
];
// #endregion

const project = builder({ name: 'project', workers: [linux], factory: factory(steps) });

// #region secrets
const secrets: SecretsOptions = {
  from: [
    secretsFrom.directory('/run/secrets'),
    secretsFrom.vault({ url: 'https://vault.example.org:8200', auth: { kubernetes: { role: 'icefall' } } }),
  ],
  allow: [{ builders: [project], branches: ['main', 'release/*'], repositories: [repository] }],
};
// #endregion

export default site({ title: 'Secrets', workers: [linux], builders: [project], secrets });
