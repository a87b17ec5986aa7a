import { builder, factory, forceScheduler, mailReporter, shell, site, webhook, worker } from '@icefall/master/config';

const w1 = worker({ name: 'w1' });
const open = builder({ name: 'open', workers: [w1], factory: factory([shell({ name: 'say', command: ['true'] })]) });
const secret = builder({
  name: 'vault',
  workers: [w1],
  factory: factory([shell({ name: 'say', command: ['true'] })]),
});

/** Fay sees and starts one builder, Ada everything; nobody else sees anything. */
export default site({
  title: 'Guarded',
  workers: [w1],
  builders: [open, secret],
  schedulers: [forceScheduler({ name: 'force', builders: [open] })],
  // Without secrets: it takes what this machine sends.
  changeSources: [webhook('gitea')],
  url: 'http://127.0.0.1',
  reporters: [
    mailReporter({ name: 'team', server: { host: 'mail.example.org' }, from: 'ci@example.org', to: ['a@example.org'] }),
  ],
  access: {
    roles: {
      writer: { allow: ['force'], builders: [open], members: { groups: ['writers'] } },
      admin: { allow: ['admin'], members: { users: ['ada'] } },
    },
  },
});
