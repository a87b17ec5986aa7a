import { beforeEach, describe, expect, test } from 'vitest';
import type { AccessOptions } from './access.ts';
import { builder, factory } from './builders.ts';
import { takeProblems } from './problems.ts';
import { site } from './site-program.ts';
import { worker } from './workers.ts';

const linux = worker({ name: 'linux' });
const docs = builder({ name: 'docs', tags: ['prose'], workers: [linux], factory: factory([]) });
const elsewhere = builder({ name: 'elsewhere', workers: [linux], factory: factory([]) });
const reader = { allow: ['view'], members: 'everyone' } as const;
const sso = {
  ...{ type: 'openIdConnect', issuer: 'https://login.example.org', clientId: 'ci' },
  clientSecret: { env: 'SSO_SECRET' },
} as const;

beforeEach(() => void takeProblems());

/** The site's access, and what is wrong with it. */
function declared(access: unknown, url = 'https://ci.example.org') {
  const whole = site({ title: 'Test', url, workers: [linux], builders: [docs], access: access as AccessOptions });
  return { access: whole.access, problems: takeProblems().map(({ message }) => message) };
}
const problemsOf = (access: unknown) => declared(access).problems.join('\n');
const ldap = (more: object) => ({
  roles: { reader },
  signIn: { ldap: { servers: ['ldaps://ldap.example.org'], people: { base: 'dc=example' }, ...more } },
});
const provider = (more: object, name = 'sso') => ({
  roles: { reader },
  signIn: { providers: { [name]: { ...sso, ...more } } },
});

describe('access', () => {
  test('is what was declared, with what was left out', () => {
    const { access, problems } = declared({ roles: { reader }, keepAudit: '400d' });
    expect(problems).toEqual([]);
    expect(access).toEqual({
      roles: [{ name: 'reader', allow: ['view'], builders: null, tags: null, members: 'everyone' }],
      ...{ keepAuditMs: 400 * 86_400_000, proxies: [], proxySignIn: null },
      signIn: { ldap: null, providers: [] },
    });
    expect(declared({ roles: { reader } }).access?.keepAuditMs).toBe(365 * 86_400_000);
  });

  test.each([
    [{ roles: { r: { allow: [], members: 'everyone' } } }, 'must allow something'],
    [{ roles: { r: { allow: ['fly'], members: 'everyone' } } }, 'allow'],
    [{ roles: { r: { allow: ['view'], members: {} } } }, 'has no members; name users, groups or mailDomains'],
    [{ roles: { r: { allow: ['view'], members: { mailDomains: ['a@b.org'] } } } }, 'members'],
    [{ roles: { r: { allow: ['admin'], members: 'everyone' } } }, 'allows everyone everything'],
    [{ roles: { r: { allow: ['view'], builders: [elsewhere], members: 'signedIn' } } }, 'names builder "elsewhere"'],
    [{ roles: { r: { allow: ['view'], tags: ['verse'], members: 'signedIn' } } }, 'names tag "verse"'],
    [
      { roles: { r: { allow: ['reload'], tags: ['prose'], members: 'signedIn' } } },
      'allows "reload", which concerns the whole site',
    ],
    [{ roles: { reader }, keepAudit: '29d' }, "must be at least '30d'"],
    [{ roles: { reader }, proxies: ['proxy.example.org'] }, 'must be an address'],
    [{ roles: { reader }, proxySignIn: { user: 'X-User' } }, 'proxySignIn needs proxies'],
    [{ roles: { reader }, proxies: ['::1'], proxySignIn: { user: 'X User' } }, 'must be the name of a header'],
    [
      { roles: { r: { allow: ['view'], members: { users: ['hub:ada'] } } } },
      'names "hub:ada"; there is no such provider',
    ],
  ])('that is wrong is told, with what and why: %j', (access, message) => {
    expect(problemsOf(access)).toContain(message);
  });
});

describe('a directory', () => {
  test('is asked over TLS, for five seconds, and believed for half a day, where nothing else is said', () => {
    const { access, problems } = declared(ldap({ groups: { base: 'ou=groups' } }));
    expect(problems).toEqual([]);
    expect(access?.signIn.ldap).toEqual({
      ...{ servers: ['ldaps://ldap.example.org'], protection: 'startTls', timeout: 5000, believedFor: 43_200_000 },
      people: { base: 'dc=example', filter: '(uid={name})', name: 'uid' },
      groups: { base: 'ou=groups', filter: '(member={dn})', name: 'cn' },
    });
  });

  test.each([
    [{ servers: [] }, 'servers'],
    [{ servers: ['https://ldap.example.org'] }, 'must be ldaps://HOST[:PORT]'],
    [{ servers: ['ldap://ldap.example.org/dc=example'] }, 'must be ldaps://HOST[:PORT]'],
    [{ servers: ['ldap://ldap.example.org'], protection: 'none' }, 'none shows passwords to the network'],
    [{ people: { dn: 'uid=ada,dc=example' } }, 'people'],
    [{ people: { dn: '{name}' } }, 'people'],
    [{ people: { base: 'dc=example', filter: '(uid=*)' } }, 'people'],
    [{ groups: { base: 'dc=example', filter: '(cn=*)' } }, 'groups'],
    [{ timeout: '2m' }, 'must be a minute at most'],
  ])('that is wrong is told: %j', (more, message) => {
    expect(problemsOf(ldap(more))).toContain(message);
  });

  test('on this machine may be asked without TLS', () => {
    expect(problemsOf(ldap({ servers: ['ldap://127.0.0.1:3890'], protection: 'none' }))).toBe('');
  });
});

describe('a provider', () => {
  test('has a name, which its people bear', () => {
    const roles = { owner: { allow: ['view'], members: { users: ['sso:ada'] } } };
    const { access, problems } = declared({ ...provider({}), roles });
    expect(problems).toEqual([]);
    expect(access?.signIn.providers).toMatchObject([
      { name: 'sso', scopes: ['profile', 'email'], groupsClaim: 'groups' },
    ]);
  });

  test.each([
    [provider({ issuer: 'http://login.example.org' }), 'must be an https:// address'],
    [provider({ issuer: 'https://login.example.org?x=1' }), 'must be an https:// address'],
    [provider({ clientSecret: 'secret in the program' }), "must be { file: 'PATH' } or { env: 'VARIABLE' }"],
    [provider({ scopes: ['two words'] }), 'scopes'],
    [provider({}, 'ldap'), 'ldap'],
    [provider({}, 'So:So'), 'So:So'],
    [provider({ type: 'github', issuer: undefined }), 'organisations'],
    [provider({ type: 'saml' }), 'type'],
  ])('that is wrong is told: %#', (access, message) => {
    expect(problemsOf(access)).toContain(message);
  });

  test('needs to know where the page is', () => {
    site({ title: 'Test', workers: [linux], builders: [docs], access: provider({}) as AccessOptions });
    expect(takeProblems().map(({ message }) => message)).toEqual([
      'access: signIn.providers send people back to the page; say where it is: site({ url })',
    ]);
  });
});
