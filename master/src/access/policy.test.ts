import { describe, expect, test } from 'vitest';
import type { AccessOptions } from '../config/access.ts';
import { builder, factory } from '../config/builders.ts';
import { takeProblems } from '../config/problems.ts';
import type { SiteDeclaration } from '../config/site.ts';
import { site } from '../config/site-program.ts';
import { worker } from '../config/workers.ts';
import { Grants } from './grants.ts';
import type { Identity, Person } from './identity.ts';
import { grantsOf } from './policy.ts';

const w = worker({ name: 'w' });
const made = (name: string, ...tags: string[]) => builder({ name, tags, workers: [w], factory: factory([]) });
const [a, b, c] = [made('a', 'night'), made('b', 'night', 'slow'), made('c')];

function siteWith(access?: AccessOptions): { site: SiteDeclaration; problems: string[] } {
  const declared = { title: 't', workers: [w], builders: [a, b, c] };
  const whole = site(access === undefined ? declared : { ...declared, access });
  return { site: whole, problems: takeProblems().map(({ message }) => message) };
}

const person = (user: string, more: Partial<Person> = {}): Identity => ({
  kind: 'person',
  person: { user, mail: null, groups: [], ...more },
  sessionId: 1,
});
const ANONYMOUS: Identity = { kind: 'anonymous' };

describe('what somebody may do', () => {
  test('is what their roles allow together, with what it takes to see it, and nothing else', () => {
    const { site: whole, problems } = siteWith({
      roles: {
        all: { allow: ['view'], tags: ['slow'], members: 'everyone' },
        night: { allow: ['force'], builders: [c], tags: ['night'], members: { users: ['ada'], groups: ['night'] } },
        in: { allow: ['drain'], members: 'signedIn' },
      },
    });
    expect(problems).toEqual([]);
    const list = (identity: Identity) => grantsOf(whole, identity).list();
    expect(list(ANONYMOUS)).toEqual([{ permission: 'view', builders: ['b'] }]);
    const both = [
      { permission: 'view', builders: ['a', 'b', 'c'] },
      { permission: 'force', builders: ['a', 'b', 'c'] },
      { permission: 'drain', builders: null },
    ];
    expect(list(person('ada'))).toEqual(both);
    expect(list(person('bo', { groups: ['x', 'night'] }))).toEqual(both);
    expect(list(person('Ada'))).toEqual([
      { permission: 'view', builders: ['b'] },
      { permission: 'drain', builders: null },
    ]);
  });

  test('is nothing where the site declares an access without roles', () => {
    const { site: whole } = siteWith({ roles: {} });
    expect([ANONYMOUS, { kind: 'local' } as const, person('ada')].map((who) => grantsOf(whole, who).list())).toEqual([
      [],
      [],
      [],
    ]);
    expect(grantsOf(whole, { kind: 'operator' }).mayOnSite('admin')).toBe(true);
  });

  test('is everything on the machine of a master whose site declares none, and nothing elsewhere', () => {
    const { site: whole } = siteWith();
    expect(grantsOf(whole, { kind: 'local' }).mayOnSite('admin')).toBe(true);
    for (const who of [ANONYMOUS, person('ada')]) expect(grantsOf(whole, who).list()).toEqual([]);
  });

  test('goes by the domain of a mail address, not by what looks like it', () => {
    const { site: whole } = siteWith({
      roles: { r: { allow: ['view'], members: { mailDomains: ['Example.org'] } } },
    });
    const may = (mail: string | null) => grantsOf(whole, person('x', { mail })).mayOnSite('view');
    expect(['a@example.org', 'a@EXAMPLE.ORG'].map(may)).toEqual([true, true]);
    expect(
      ['a@evil-example.org', 'a@example.org.evil', 'a@sub.example.org', 'example.org@evil', null].map(may),
    ).toEqual([false, false, false, false, false]);
  });

  test('with a token is what both the person and the token allow', () => {
    const { site: whole } = siteWith({
      roles: { r: { allow: ['force', 'stop'], builders: [a, b], members: { users: ['ada'] } } },
    });
    const token = (allow: ('force' | 'admin')[] | null, builders: string[] | null): Identity => ({
      ...{ kind: 'token', tokenId: 1, name: 't', person: { user: 'ada', mail: null, groups: [] } },
      scope: { allow, builders },
    });
    expect(grantsOf(whole, token(null, null)).list()).toHaveLength(3);
    expect(grantsOf(whole, token(['admin'], ['a', 'c'])).scopeOf('force')).toEqual(new Set(['a']));
    expect(grantsOf(whole, token(['force'], null)).mayAnywhere('stop')).toBe(false);
    expect(grantsOf(whole, token(null, ['b'])).list()).toContainEqual({ permission: 'stop', builders: ['b'] });
  });
});

test('a permission for some builders is none for the site, and for builders that are gone', () => {
  const some = Grants.of([{ allow: ['view'], builders: new Set(['a']) }]);
  expect([some.may('view', 'a'), some.may('view', 'gone'), some.mayOnSite('view'), some.mayAnywhere('force')]).toEqual([
    true,
    false,
    false,
    false,
  ]);
});

describe('an access declaration', () => {
  const problemsOf = (access: AccessOptions) => siteWith(access).problems;
  const users = { users: ['ada'] };

  test('with a mistake is not loaded, and says what to do', () => {
    const stranger = made('stranger');
    expect(
      problemsOf({
        roles: {
          one: { allow: ['reload'], builders: [a], members: users },
          two: { allow: ['view'], builders: [stranger], tags: ['none'], members: users },
          three: { allow: ['admin'], members: 'everyone' },
          four: { allow: ['view'], members: {} },
        },
        keepAudit: '30d',
      }),
    ).toEqual([
      'access: role "one" allows "reload", which concerns the whole site, with some builders only; give it a role of its own',
      'access: role "two" names builder "stranger", which the site does not list in builders',
      'access: role "two" names tag "none", which no builder has',
      'access: role "three" allows everyone everything; name its members, or leave access out on a machine of your own',
      'access: role "four" has no members; name users, groups or mailDomains',
    ]);
  });

  test('with an unknown permission, option or too short a memory is refused by its type, and by its check', () => {
    const wrong: unknown[] = [
      { roles: { r: { allow: ['fly'], members: users } } },
      { roles: { r: { allow: [], members: users } } },
      { roles: { r: { allow: ['view'], members: 'nobody' } } },
      { roles: { r: { allow: ['view'], member: users, members: users } } },
      { roles: {}, keepAudit: '29d' },
    ];
    for (const access of wrong) {
      const problems = problemsOf(access as AccessOptions);
      expect(problems, JSON.stringify(access)).toHaveLength(1);
      expect(problems[0]).toContain('"access.');
    }
  });
});
