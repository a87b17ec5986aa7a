import { type AccessOptions, builder, factory, shell, site, worker } from '@icefall/master/config';

const linux = worker({ name: 'linux' });
const docs = builder({
  name: 'docs',
  workers: [linux],
  factory: factory([shell({ name: 'build', command: ['make', 'docs'] })]),
});

// #region signIn
const access: AccessOptions = {
  roles: {
    reader: { allow: ['view'], members: { groups: ['staff', 'example'] } },
    release: { allow: ['force', 'stop', 'rebuild'], members: { groups: ['release', 'example/release'] } },
    admin: { allow: ['admin'], members: { users: ['ada', 'sso:grace'] } },
  },
  signIn: {
    ldap: {
      servers: ['ldaps://ldap1.example.org', 'ldap://ldap2.example.org'],
      ca: '/etc/icefall/directory-ca.pem',
      people: {
        base: 'ou=people,dc=example,dc=org',
        filter: '(&(objectClass=inetOrgPerson)(uid={name}))',
        account: { dn: 'cn=icefall,dc=example,dc=org', password: { file: '/etc/icefall/directory.password' } },
        mail: 'mail',
      },
      groups: { base: 'ou=groups,dc=example,dc=org', filter: '(member={dn})' },
    },
    providers: {
      sso: {
        type: 'openIdConnect',
        title: 'Example',
        issuer: 'https://login.example.org/realms/example',
        clientId: 'icefall',
        clientSecret: { file: '/etc/icefall/sso.secret' },
        mailDomains: ['example.org'],
      },
      github: {
        type: 'github',
        clientId: 'Iv1.0123456789abcdef',
        clientSecret: { env: 'GITHUB_CLIENT_SECRET' },
        organisations: ['example'],
      },
    },
  },
};
// #endregion

export default site({
  title: 'A site whose people sign in elsewhere',
  url: 'https://ci.example.org',
  workers: [linux],
  builders: [docs],
  access,
});
