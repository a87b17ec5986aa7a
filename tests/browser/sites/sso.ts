import { builder, factory, shell, site, worker } from '@icefall/master/config';

const w1 = worker({ name: 'w1' });
const open = builder({ name: 'open', workers: [w1], factory: factory([shell({ name: 'say', command: ['true'] })]) });

/** Who signs in with the provider sees everything; nobody else sees anything. */
export default site({
  title: 'Signed in elsewhere',
  url: process.env.SITE_URL ?? '',
  workers: [w1],
  builders: [open],
  access: {
    roles: { reader: { allow: ['view'], members: { groups: ['navy'] } } },
    signIn: {
      providers: {
        sso: {
          ...{ type: 'openIdConnect', title: 'Example', issuer: process.env.ISSUER ?? '', clientId: 'icefall' },
          clientSecret: { env: 'SSO_SECRET' },
        },
      },
    },
  },
});
