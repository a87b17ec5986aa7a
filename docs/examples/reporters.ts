import {
  builder,
  commitStatusReporter,
  factory,
  mailReporter,
  secret,
  secretsFrom,
  shell,
  site,
  webhookReporter,
  worker,
} from '@icefall/master/config';

const linux = worker({ name: 'linux' });
const project = builder({
  name: 'project',
  workers: [linux],
  factory: factory([shell({ name: 'build', command: ['make'] })]),
});

// #region reporters
const reporters = [
  mailReporter({
    name: 'mail',
    server: { host: 'mail.example.org', user: 'icefall', password: secret('mail-password') },
    from: 'icefall@example.org',
    to: ['builds@example.org', 'authors'],
    authors: { domains: ['example.org'] },
    when: ['problem', 'exception', 'change'],
    branches: ['main', 'release/*'],
  }),
  commitStatusReporter({
    name: 'gitlab',
    kind: 'gitlab',
    url: 'https://gitlab.example.org',
    token: secret('gitlab-token'),
  }),
  webhookReporter({
    name: 'chat',
    url: 'https://chat.example.org/icefall',
    secret: secret('chat-key'),
    moments: ['end'],
  }),
];
// #endregion

export default site({
  title: 'Reporters',
  url: 'https://icefall.example.org',
  workers: [linux],
  builders: [project],
  secrets: { from: [secretsFrom.directory('/run/secrets')], allow: [{ secrets: ['deploy-*'], branches: ['main'] }] },
  reporters,
});
