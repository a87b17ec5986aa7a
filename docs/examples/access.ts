import { type AccessOptions, builder, factory, shell, site, worker } from '@icefall/master/config';

const linux = worker({ name: 'linux' });
const docs = builder({
  name: 'docs',
  workers: [linux],
  factory: factory([shell({ name: 'build', command: ['make', 'docs'] })]),
});

// #region access
const access: AccessOptions = {
  roles: {
    reader: { allow: ['view'], members: 'everyone' },
    writer: { allow: ['force', 'stop', 'rebuild'], builders: [docs], members: { groups: ['writers'] } },
    operator: { allow: ['pauseWorker', 'reload', 'drain'], members: { mailDomains: ['ops.example.org'] } },
    admin: { allow: ['admin'], members: { users: ['ada'] } },
  },
};
// #endregion

export default site({ title: 'A site with people', workers: [linux], builders: [docs], access });
