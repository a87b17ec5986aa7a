/** A site that tells of its builds in every way there is. */
import {
  builder,
  commitStatusReporter,
  factory,
  forceScheduler,
  gitPoller,
  mailReporter,
  secret,
  secretsFrom,
  shell,
  singleBranchScheduler,
  site,
  webhookReporter,
  worker,
} from '@icefall/master/config';

const { SECRETS = '', REPOSITORY = '', HTTP = '', SMTP_PORT = '' } = process.env;
const north = worker({ name: 'north' });
const gate = builder({
  name: 'gate',
  workers: [north],
  factory: factory([
    shell({ name: 'compile', command: 'echo compiling; sleep 0.5; echo gate.c:7: no such hinge >&2; exit 2' }),
  ]),
});
const quick = builder({
  name: 'quick',
  workers: [north],
  factory: factory([shell({ name: 'nothing', command: 'true' })]),
});
const changes = { branch: 'main', repository: REPOSITORY };

export default site({
  title: 'Reporters',
  url: 'https://ci.example.org/',
  workers: [north],
  builders: [gate, quick],
  changeSources: [gitPoller({ repository: REPOSITORY, branches: ['main'], every: '300ms' })],
  schedulers: [
    singleBranchScheduler({ name: 'push', builders: [gate], changes }),
    forceScheduler({ name: 'force', builders: [quick] }),
  ],
  secrets: { from: [secretsFrom.directory(SECRETS)], allow: [{ branches: ['main'] }] },
  reporters: [
    mailReporter({
      name: 'mail',
      server: { host: '127.0.0.1', port: Number(SMTP_PORT), tls: 'none', user: 'ci', password: secret('token') },
      from: 'ci@example.org',
      to: ['team@example.org', 'authors'],
      authors: { domains: ['example.org'] },
      when: 'always',
    }),
    commitStatusReporter({
      name: 'status',
      kind: 'gitea',
      url: HTTP,
      token: secret('token'),
      project: ({ repository }) => (repository === REPOSITORY ? 'group/gate' : null),
    }),
    webhookReporter({ name: 'hook', url: `${HTTP}/hook`, secret: secret('token'), builders: [gate] }),
  ],
});
